import { printable } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attr, graphsOf } from './attr.js';
import { type AddOptions, type AttrsOf, type InputsOf, toAttr, toInputs } from './edit-args.js';
import { ValueEditor } from './edit-values.js';
import { inferNode } from './infer-node.js';
import { type Graph, Node, type Value } from './ir.js';
import {
  assign,
  linkNode,
  mutable,
  setAttrs,
  setInputAt,
  setInputs,
  setOutputs,
  swapGraphOutput,
  swapInput,
  unlinkNode,
} from './mutate.js';
import type { AnyOpDef, NodeOf } from './op-def.js';

export type { AddOptions, AttrsOf, InputsOf } from './edit-args.js';
export { everyGraph, everyNode, graphsWithin } from './walk.js';

/** Moving an output takes as long as there are outputs: of graphs with more, they stay where they are. */
const MAX_OUTPUTS = 10_000;

/** Every edit of a model goes through here: uses, names, types and touched spans stay right. */
export class Editor extends ValueEditor {
  /**
   * A new node, its output types inferred. Throws `graph/shape` when the inputs cannot fit, `graph/duplicate-name` for
   * a taken output name.
   */
  add<D extends AnyOpDef>(
    graph: Graph,
    op: D,
    inputs: InputsOf<D>,
    attrs: AttrsOf<D> = {} as AttrsOf<D>,
    options: AddOptions = {},
  ): NodeOf<D> {
    const names = options.outputs ?? [this.freshName(`${options.name ?? op.name}_out`)];
    for (const name of names) if (name !== '') this.requireFree(graph, name);
    const node = this.#make(graph, op, inputs, attrs, options);
    setOutputs(
      node,
      names.map((name) => (name === '' ? undefined : this.define(graph, name))),
    );
    linkNode(node, options.before);
    return this.#finish(node, op);
  }

  /**
   * A node before `like`, of its operator and with its attributes but for those given, with other inputs. Its outputs
   * are new values, whose types are not known.
   */
  addLike(like: Node, inputs: readonly (Value | undefined)[], attrs: readonly Attr[]): Node {
    const { graph, name, declaredDomain, overload, docString, metadata } = like;
    const node = new Node(graph, like.opType);
    assign(node, { name, declaredDomain, overload, docString, metadata });
    const own = new Map(like.attrs);
    for (const a of attrs) own.set(a.name, a);
    setAttrs(node, own.values());
    setInputs(node, inputs);
    setOutputs(
      node,
      like.outputs.map((v) => v && this.define(graph, this.freshName(v.name))),
    );
    linkNode(node, like);
    this.touch(node);
    return node;
  }

  /**
   * A node of `op` in `old`'s place: it makes the same values, under the same names. `old` is gone afterwards, and so
   * is what only it needed.
   */
  replace<D extends AnyOpDef>(
    old: Node,
    op: D,
    inputs: InputsOf<D>,
    attrs: AttrsOf<D> = {} as AttrsOf<D>,
    options: { attrsFrom?: Node | undefined; name?: string | undefined } = {},
  ): NodeOf<D> {
    const node = this.#make(old.graph, op, inputs, attrs, {
      name: options.name ?? old.name,
      attrsFrom: options.attrsFrom,
    });
    const outputs = old.outputs;
    linkNode(node, old);
    setOutputs(old, []);
    setOutputs(node, outputs);
    this.remove(old);
    return this.#finish(node, op);
  }

  /**
   * Makes a node's only output an initializer of the same name: every user sees the value it saw before. The node goes,
   * and what only it needed. The graph must be one that can hold initializers (not a function's body, nor a subgraph
   * below IR version 4).
   */
  foldTo(value: Value, data: Tensor): void {
    const node = value.producer;
    if (!node || node.outputs.some((v) => v !== value && v !== undefined))
      throw new Error(`bug: ${printable(value.name)} is not the only output of a node`);
    setOutputs(node, []);
    this.initialize(value, data);
    this.remove(node);
    for (const user of value.uses.keys()) this.onTouch(user);
  }

  /** Lets a node make its first `count` outputs only. Nothing may use the others. */
  dropOutputs(node: Node, count: number): void {
    const gone = node.outputs.slice(count).filter((v) => v !== undefined);
    if (gone.some((v) => v.uses.size > 0 || v.outputCount > 0))
      throw new Error(`bug: outputs of ${printable(node.name ?? node.opType)} are dropped while in use`);
    setOutputs(node, node.outputs.slice(0, count));
    for (const value of gone) this.forget(value);
    this.touch(node);
  }

  /** Changes one input, in time that does not depend on how many there are. */
  setInput(node: Node, index: number, value: Value | undefined): void {
    const old = node.inputs[index];
    setInputAt(node, index, value);
    this.touch(node);
    if (old) this.#sweep([old]);
  }

  setInputList(node: Node, inputs: readonly (Value | undefined)[]): void {
    const old = node.inputs.filter((v) => v !== undefined);
    setInputs(node, inputs);
    this.touch(node);
    this.#sweep(old);
  }

  setAttr(node: Node, attr: Attr): void {
    const attrs = new Map(node.attrs);
    this.#replaceAttr(node, attrs.set(attr.name, attr), node.attrs.get(attr.name));
  }

  removeAttr(node: Node, name: string): void {
    const attrs = new Map(node.attrs);
    attrs.delete(name);
    this.#replaceAttr(node, attrs, node.attrs.get(name));
  }

  #replaceAttr(node: Node, attrs: ReadonlyMap<string, Attr>, old: Attr | undefined): void {
    setAttrs(node, attrs.values());
    const lost = this.release(old ? graphsOf(old) : []);
    this.adopt(node.subgraphs);
    this.touch(node);
    this.#sweep(lost);
  }

  /**
   * Whether every use of `from`, as a graph output too, can be moved to `to` without a change of any output's name, or
   * of what a kernel writes into.
   */
  canReplaceUses(from: Value, to: Value): boolean {
    if (from.isOverwritten || to.isOverwritten) return false;
    if (from.outputCount === 0) return true;
    if (from.graph.outputs.length > MAX_OUTPUTS) return false;
    return from.graph === to.graph && to.producer !== undefined && to.outputCount === 0;
  }

  /**
   * Lets everything that used `from` use `to`. A graph output keeps its name: `to` takes it over. Call `canReplaceUses`
   * first.
   */
  replaceUses(from: Value, to: Value): void {
    if (!this.canReplaceUses(from, to))
      throw new Error(`bug: ${printable(from.name)} is a graph output and cannot become ${printable(to.name)}`);
    for (const node of from.uses.keys()) {
      swapInput(node, from, to);
      this.touch(node);
    }
    if (from.outputCount > 0) this.#takeOutput(from, to);
    this.#sweep([from]);
  }

  /** `replaceUses` for many values at once, none of them a graph output: each node that used some is written once. */
  replaceAllUses(replacements: ReadonlyMap<Value, Value>): void {
    const users = new Set<Node>();
    for (const from of replacements.keys()) {
      if (from.outputCount > 0) throw new Error(`bug: ${printable(from.name)} is a graph output`);
      for (const node of from.uses.keys()) users.add(node);
    }
    for (const node of users) {
      setInputs(
        node,
        node.inputs.map((v) => (v && replacements.get(v)) ?? v),
      );
      this.touch(node);
    }
    this.#sweep(replacements.keys());
  }

  #takeOutput(from: Value, to: Value): void {
    const name = from.name;
    const graphs = this.graphsListing(from);
    for (const graph of graphs) swapGraphOutput(graph, from, to);
    this.renameQuietly(from, this.freshName(`${name}_replaced`));
    this.takeName(to, name);
    for (const graph of graphs) this.touchGraph(graph);
  }

  /** Removes a node whose outputs nobody uses, and what only it needed. */
  remove(node: Node): void {
    if (node.outputs.some((v) => v && (v.uses.size > 0 || v.outputCount > 0)))
      throw new Error(`bug: ${printable(node.name ?? node.opType)} is removed while its outputs are in use`);
    this.#sweep(this.#detach(node));
  }

  /** Puts the nodes of a graph into this order, which must hold each of them once. */
  reorder(graph: Graph, order: readonly Node[]): void {
    if (order.length !== graph.nodeCount || new Set(order).size !== order.length)
      throw new Error('bug: an order that is not a permutation of the nodes');
    for (const node of order) unlinkNode(node);
    for (const node of order) linkNode(node);
    this.touchGraph(graph);
  }

  #make<D extends AnyOpDef>(graph: Graph, op: D, inputs: InputsOf<D>, attrs: AttrsOf<D>, options: AddOptions): Node {
    const node = new Node(graph, op.name);
    if (op.domain !== '') mutable(node).declaredDomain = op.domain;
    if (options.name !== undefined) mutable(node).name = options.name;
    const own = new Map(options.attrsFrom?.attrs);
    for (const [name, value] of Object.entries(attrs)) {
      own.delete(name);
      if (value !== undefined) own.set(name, toAttr(name, op, value));
    }
    setAttrs(node, own.values());
    this.adopt(node.subgraphs);
    setInputs(node, toInputs(op, inputs));
    return node;
  }

  #finish<D extends AnyOpDef>(node: Node, op: D): NodeOf<D> {
    if (!node.is(op))
      throw new Error(`bug: a ${op.name} was made that does not fit its declaration at opset ${node.opset}`);
    inferNode(node, op);
    this.touch(node);
    return node;
  }

  #detach(node: Node): Set<Value> {
    const lost = this.release(node.subgraphs);
    for (const value of node.inputs) if (value) lost.add(value);
    setInputs(node, []);
    this.touchGraph(node.graph);
    unlinkNode(node);
    const outputs = node.outputs;
    setOutputs(node, []);
    for (const value of outputs) if (value && value.producer === undefined) this.forget(value);
    return lost;
  }

  /**
   * Removes, from these values upwards, what nothing needs any more: nodes without used outputs, initializers without
   * users.
   */
  #sweep(values: Iterable<Value>): void {
    const pending = [...values];
    for (let value = pending.pop(); value; value = pending.pop()) {
      if (value.uses.size > 0 || value.outputCount > 0) {
        // One user less can make a rule fit the others.
        if (value.producer) this.onTouch(value.producer);
        continue;
      }
      if (value.producer) {
        if (value.producer.outputs.some((v) => v && (v.uses.size > 0 || v.outputCount > 0))) continue;
        for (const lost of this.#detach(value.producer)) pending.push(lost);
      } else if (value.initializer || value.sparseInitializer) {
        if (!value.isInput) this.forget(value);
        else if (!this.model.overridableInitializers) this.removeUnused(value);
      }
    }
  }
}
