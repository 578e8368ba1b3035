import { CnnxError } from '../base/errors.js';
import { encodeName, printable } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attr, attrOf, type MetadataEntry } from './attr.js';
import { inferNode } from './infer-node.js';
import { type Graph, Model, Node, type OpsetImport, type Value, type ValueInfo } from './ir.js';
import {
  appendGraphInput,
  defineValue,
  forgetValue,
  linkNode,
  mutable,
  releaseNode,
  renameValue,
  setAttrs,
  setGraphInputs,
  setGraphOutputs,
  setInputs,
  setOutputs,
  swapGraphOutput,
  swapInput,
  unlinkNode,
} from './mutate.js';
import type { AnyOpDef, AttrSpec, NodeOf, OpDef, Slots } from './op-def.js';
import { type ValueType } from './types.js';

/** The inputs of a node to be made, by the names in its declaration. */
export type InputsOf<D> =
  D extends OpDef<infer I, infer _O, infer _A>
    ? {
        readonly [K in keyof I as I[K] extends `${string}?` ? never : K]: I[K] extends `${string}*`
          ? readonly Value[]
          : Value;
      } & {
        readonly [K in keyof I as I[K] extends `${string}?` ? K : never]?: Value | undefined;
      }
    : never;

/** Attributes of a node to be made; those left out are not written. */
export type AttrsOf<D> =
  D extends OpDef<infer _I, infer _O, infer A>
    ? { readonly [K in keyof A]?: (A[K] extends AttrSpec<infer T> ? T : never) | undefined }
    : never;

export interface AddOptions {
  readonly name?: string | undefined;
  /** Names of the outputs, '' for one left out; made from the node's name and fresh if absent. */
  readonly outputs?: readonly string[] | undefined;
  /** Attributes copied as they stand from this node, before `attrs` overrides them. */
  readonly attrsFrom?: Node | undefined;
  /** Where in the order; last if absent. */
  readonly before?: Node | undefined;
}

/** Names that are taken, and for each hint the number to try next: many names are made from one hint. */
class FreshNames {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  add(name: string): void {
    this.#taken.add(name);
  }

  fresh(hint: string): string {
    let name = hint;
    let i = this.#next.get(hint) ?? 1;
    for (; this.#taken.has(name) || name === ''; i++) name = `${hint}_${i}`;
    this.#next.set(hint, i);
    this.#taken.add(name);
    return name;
  }
}

/** Every edit of a model goes through here: uses, names, types and touched spans stay right. */
export class Editor {
  /** Grows with every edit. */
  revision = 0;
  #names: FreshNames | undefined;
  #nodeNames: FreshNames | undefined;

  constructor(
    readonly model: Model,
    /** Hears of every node that was made, or whose inputs changed. */
    readonly onTouch: (node: Node) => void = () => {},
  ) {}

  // --- whole models -------------------------------------------------------------------------------------------------------------

  setHeader(header: {
    irVersion?: bigint;
    producerName?: string;
    producerVersion?: string;
    docString?: string;
    metadata?: readonly MetadataEntry[];
    opsetImports?: readonly OpsetImport[];
  }): void {
    Object.assign(mutable(this.model), header);
    mutable(this.model).span = undefined;
  }

  nameGraph(graph: Graph, name: string): void {
    mutable(graph).name = name;
    this.touchGraph(graph);
  }

  // --- values -------------------------------------------------------------------------------------------------------------------

  /** Throws `graph/duplicate-name` when a value of the graph has that name. */
  addInput(graph: Graph, name: string, type: ValueType): Value {
    const value = this.#define(graph, name);
    mutable(value).type = type;
    appendGraphInput(graph, value);
    mutable(graph).inputInfos.set(value, { name, type });
    this.touchGraph(graph);
    return value;
  }

  addOutput(graph: Graph, value: Value): void {
    setGraphOutputs(graph, [...graph.outputs, value]);
    mutable(graph).outputInfos = [...graph.outputInfos, { name: value.name, type: value.type }];
    this.touchGraph(graph);
  }

  /** A new initializer under exactly this name. Throws `graph/duplicate-name`. Below IR version 4 it is listed as an input too, as that version asks. */
  addInitializer(graph: Graph, name: string, data: Tensor): Value {
    const value = this.#define(graph, name);
    this.#initialize(value, data);
    return value;
  }

  #initialize(value: Value, data: Tensor): void {
    const { graph, name } = value;
    mutable(value).initializer = data;
    mutable(value).type = { kind: 'tensor', dtype: data.dtype, shape: data.shape };
    mutable(graph).initializers.add(value);
    if (!this.model.overridableInitializers && graph.root instanceof Model && !graph.parent) {
      appendGraphInput(graph, value);
      mutable(graph).inputInfos.set(value, { name, type: value.type });
    }
    this.touchGraph(graph);
  }

  /** A new initializer named `hint`, or `hint` and a number if that is taken. In a function's body, which can have none, use a node. */
  constant(graph: Graph, data: Tensor, hint: string): Value {
    return this.addInitializer(graph, this.freshName(hint), data);
  }

  /** Swaps the data of an initializer; every user sees it. */
  setInitializer(value: Value, data: Tensor): void {
    mutable(value).initializer = data;
    mutable(value).type = { kind: 'tensor', dtype: data.dtype, shape: data.shape };
    const info = value.graph.inputInfos.get(value);
    if (info) mutable(value.graph).inputInfos.set(value, { ...info, type: value.type });
    this.touchGraph(value.graph);
    for (const node of value.uses.keys()) this.onTouch(node);
  }

  /**
   * Makes a node's only output an initializer of the same name: every user sees the value it saw before. The node goes, and what only it
   * needed. The graph must be one that can hold initializers (not a function's body, nor a subgraph below IR version 4).
   */
  settle(value: Value, data: Tensor): void {
    const node = value.producer;
    if (!node || node.outputs.some((v) => v !== value && v !== undefined))
      throw new Error(`bug: ${printable(value.name)} is not the only output of a node`);
    setOutputs(node, []);
    this.#initialize(value, data);
    this.remove(node);
    for (const user of value.uses.keys()) this.onTouch(user);
  }

  /** Records what was found out about a value. Not an edit of the file. */
  setType(value: Value, type: ValueType | undefined): void {
    mutable(value).type = type;
  }

  /** Changes what the file declares of a graph input or output. */
  declare(graph: Graph, value: Value, type: ValueType): void {
    mutable(value).type = type;
    const swap = (info: ValueInfo): ValueInfo => (info.name === value.name ? { ...info, type } : info);
    const input = graph.inputInfos.get(value);
    if (input) mutable(graph).inputInfos.set(value, swap(input));
    mutable(graph).outputInfos = graph.outputInfos.map(swap);
    mutable(graph).valueInfos = graph.valueInfos.map(swap);
    this.touchGraph(graph);
  }

  /** Replaces the declared types of inner values (value_info) as a whole. */
  setValueInfos(graph: Graph, infos: readonly ValueInfo[]): void {
    mutable(graph).valueInfos = infos;
    this.touchGraph(graph);
  }

  /** Takes an initializer off the graph's inputs: callers can no longer override it. */
  freeze(value: Value): void {
    setGraphInputs(
      value.graph,
      value.graph.inputs.filter((v) => v !== value),
    );
    mutable(value.graph).inputInfos.delete(value);
    this.touchGraph(value.graph);
    for (const node of value.uses.keys()) this.onTouch(node);
  }

  /** A name that no value of the model has, in any graph: `hint` itself if it is free. */
  freshName(hint: string): string {
    this.#names ??= new FreshNames(namesOf(this.model));
    return this.#names.fresh(hint);
  }

  freshNodeName(hint: string): string {
    this.#nodeNames ??= new FreshNames(everyNode(this.model).flatMap((n) => n.name ?? []));
    return this.#nodeNames.fresh(hint);
  }

  // --- nodes --------------------------------------------------------------------------------------------------------------------

  /** A new node, its output types inferred. Throws `graph/shape` when the inputs cannot fit, `graph/duplicate-name` for a taken output name. */
  add<D extends AnyOpDef>(
    graph: Graph,
    op: D,
    inputs: InputsOf<D>,
    attrs: AttrsOf<D> = {} as AttrsOf<D>,
    options: AddOptions = {},
  ): NodeOf<D> {
    const node = this.#make(graph, op, inputs, attrs, options);
    const names = options.outputs ?? [this.freshName(`${options.name ?? op.name}_out`)];
    setOutputs(
      node,
      names.map((name) => (name === '' ? undefined : this.#define(graph, name))),
    );
    linkNode(node, options.before);
    return this.#finish(node, op);
  }

  /** A node of `op` in `old`'s place: it makes the same values, under the same names. `old` is gone afterwards, and so is what only it needed. */
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

  setInput(node: Node, index: number, value: Value | undefined): void {
    const old = node.inputs[index];
    const inputs = [...node.inputs];
    inputs[index] = value;
    setInputs(node, inputs);
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
    setAttrs(node, [...[...node.attrs.values()].filter((a) => a.name !== attr.name), attr]);
    this.touch(node);
  }

  removeAttr(node: Node, name: string): void {
    setAttrs(
      node,
      [...node.attrs.values()].filter((a) => a.name !== name),
    );
    this.touch(node);
  }

  /** Whether every use of `from`, as a graph output too, can be moved to `to` without a change of any output's name. */
  canReplaceUses(from: Value, to: Value): boolean {
    if (from.outputCount === 0) return true;
    return from.graph === to.graph && to.producer !== undefined && to.outputCount === 0;
  }

  /** Lets everything that used `from` use `to`. A graph output keeps its name: `to` takes it over. Call `canReplaceUses` first. */
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
    const graphs = [from.graph];
    swapGraphOutput(from.graph, from, to);
    if (from.outputCount > 0) {
      for (const graph of everyGraph(this.model)) {
        if (!graph.outputs.includes(from)) continue;
        swapGraphOutput(graph, from, to);
        graphs.push(graph);
      }
    }
    renameValue(from, this.freshName(`${name}_replaced`));
    this.rename(to, name);
    for (const graph of graphs) this.touchGraph(graph);
  }

  /** Renames a value in every file position. The name must be free. */
  rename(value: Value, name: string): void {
    if (value.graph.values.has(name))
      throw new CnnxError('graph/duplicate-name', `a value named ${printable(name)} exists already`, {
        at: { value: name },
      });
    const old = value.name;
    renameValue(value, name);
    this.#names?.add(name);
    const swap = (info: ValueInfo): ValueInfo => (info.name === old ? { ...info, name } : info);
    const graph = mutable(value.graph);
    const info = graph.inputInfos.get(value);
    if (info) graph.inputInfos.set(value, swap(info));
    graph.valueInfos = graph.valueInfos.filter((i) => i.name !== name).map(swap);
    if (value.producer) this.#touchQuietly(value.producer);
    for (const node of value.uses.keys()) this.#touchQuietly(node);
    this.touchGraph(value.graph);
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

  /** Removes an initializer or value that nothing uses; sweeps nothing else. */
  removeUnused(value: Value): void {
    if (value.uses.size > 0 || value.outputCount > 0)
      throw new Error(`bug: ${printable(value.name)} is removed while in use`);
    if (value.isInput) this.freeze(value);
    this.touchGraph(value.graph);
    forgetValue(value);
    mutable(value.graph).valueInfos = value.graph.valueInfos.filter((i) => i.name !== value.name);
  }

  /** Marks a node as changed: its bytes, and those of everything around it, are written anew. */
  touch(node: Node): void {
    this.#touchQuietly(node);
    this.onTouch(node);
  }

  touchGraph(graph: Graph): void {
    this.revision += 1;
    for (let g: Graph | undefined = graph; g; g = g.parent) {
      mutable(g).span = undefined;
      mutable(g.owner).span = undefined;
    }
    mutable(graph.root).span = undefined;
    mutable(this.model).span = undefined;
  }

  #touchQuietly(node: Node): void {
    mutable(node).span = undefined;
    this.touchGraph(node.graph);
  }

  #define(graph: Graph, name: string): Value {
    if (graph.values.has(name))
      throw new CnnxError('graph/duplicate-name', `a value named ${printable(name)} exists already`, {
        at: { value: name },
      });
    this.#names?.add(name);
    return defineValue(graph, name);
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
    const lost = releaseNode(node);
    this.touchGraph(node.graph);
    unlinkNode(node);
    const outputs = node.outputs;
    setOutputs(node, []);
    for (const value of outputs) if (value && value.producer === undefined) this.#forget(value);
    return lost;
  }

  /** Removes, from these values upwards, what nothing needs any more: nodes without used outputs, initializers without users. */
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
        pending.push(...this.#detach(value.producer));
      } else if (value.initializer || value.sparseInitializer) {
        if (!value.isInput) this.#forget(value);
        else if (!this.model.overridableInitializers) this.removeUnused(value);
      }
    }
  }

  #forget(value: Value): void {
    this.touchGraph(value.graph);
    forgetValue(value);
    this.#forgotten.add(value);
  }

  readonly #forgotten = new Set<Value>();

  /** Drops declared types of values that are gone. Call once, after the last edit. */
  finish(): void {
    const byGraph = new Map<Graph, Set<string>>();
    for (const v of this.#forgotten) byGraph.set(v.graph, (byGraph.get(v.graph) ?? new Set()).add(v.name));
    this.#forgotten.clear();
    for (const [graph, names] of byGraph) {
      if (!graph.valueInfos.some((i) => names.has(i.name) && !graph.values.has(i.name))) continue;
      mutable(graph).valueInfos = graph.valueInfos.filter((i) => !names.has(i.name) || graph.values.has(i.name));
    }
  }
}

function toInputs(
  op: AnyOpDef,
  inputs: Readonly<Record<string, Value | readonly Value[] | undefined>>,
): (Value | undefined)[] {
  const out: (Value | undefined)[] = [];
  for (const [name, kind] of Object.entries(op.inputs as Slots)) {
    const given = inputs[name];
    if (kind.endsWith('*')) out.push(...((given as readonly Value[] | undefined) ?? []));
    else out.push(given as Value | undefined);
  }
  while (out.length > 0 && out.at(-1) === undefined) out.pop();
  return out;
}

function toAttr(name: string, op: AnyOpDef, value: unknown): Attr {
  const kind = op.attrs[name]?.kind as Attr['kind'] | undefined;
  switch (kind) {
    case 'int':
      return attrOf.int(name, value as number);
    case 'ints':
      return attrOf.ints(name, value as readonly number[]);
    case 'float':
      return attrOf.float(name, value as number);
    case 'floats':
      return attrOf.floats(name, value as readonly number[]);
    case 'string':
      return { name, kind, value: encodeName(value as string) };
    case 'strings':
      return attrOf.strings(name, value as readonly string[]);
    case 'tensor':
      return attrOf.tensor(name, value as Tensor);
    case 'graph':
      return attrOf.graph(name, value as Graph);
    default:
      throw new Error(`bug: ${op.name} has no attribute ${name} that code can make`);
  }
}

/** Every graph of a model: its own, its functions' bodies, and those inside nodes. */
export const everyGraph = (model: Model): Graph[] => graphsWithin(model.graph, ...model.functions.map((f) => f.body));

/** These graphs, and those inside their nodes. */
export function graphsWithin(...graphs: readonly Graph[]): Graph[] {
  const all: Graph[] = [];
  const pending = [...graphs];
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    all.push(graph);
    for (const node of graph.nodes()) if (node.attrs.size > 0) pending.push(...node.subgraphs);
  }
  return all;
}

export const everyNode = (model: Model): Node[] => everyGraph(model).flatMap((g) => [...g.nodes()]);

function namesOf(model: Model): Set<string> {
  const names = new Set<string>();
  for (const graph of everyGraph(model)) for (const name of graph.values.keys()) names.add(name);
  return names;
}
