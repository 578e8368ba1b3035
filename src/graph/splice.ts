import { graphsOf } from './attr.js';
import { bodyOf } from './clone.js';
import type { Editor } from './edit.js';
import { FreshNames } from './fresh-names.js';
import type { Attr, FunctionDef, Graph, Node, Value, ValueInfo } from './ir.js';
import { linkNode, mutable, setGraphOutputs, setInputs, swapGraphOutput, unlinkNode } from './mutate.js';
import { scopeNames } from './scope-names.js';
import { graphsWithin } from './walk.js';

/**
 * Moves graphs to where they are used: the body of an If, of a Loop, of a function. One for many moves, since it keeps account of the names in a model: a
 * moved value keeps its name unless another value of the model's graphs has it, so that no name comes to stand in a subgraph and around it.
 */
export class Splicer {
  /** How many values have a name, in all graphs but the bodies of functions. */
  readonly #counts = new Map<string, number>();
  readonly #nodeNames: FreshNames;
  readonly #scopes: ReturnType<typeof scopeNames>;

  constructor(private readonly edit: Editor) {
    this.#scopes = scopeNames(edit.model);
    const graphs = graphsWithin([edit.model.graph]);
    for (const graph of graphs) for (const name of graph.values.keys()) this.#count(name, 1);
    this.#nodeNames = new FreshNames(graphs.flatMap((g) => Array.from(g.nodes(), (n) => n.name ?? '')));
  }

  /**
   * Moves what stands in `body`, a graph in an attribute of `node`, before `node`; `given` takes the place of the body's inputs. Gives the values that the
   * body had as outputs. `node` stays, with an empty body.
   */
  moveOut(body: Graph, node: Node, given: readonly (Value | undefined)[]): (Value | undefined)[] {
    for (const name of body.values.keys()) this.#count(name, -1);
    return this.#move(body, node, given);
  }

  /** Moves all of `body`, a graph without inputs and of another model, before a node. Gives the values that it had as outputs. */
  moveIn(body: Graph, before: Node): (Value | undefined)[] {
    return this.#move(body, before, []);
  }

  /** Puts a copy of a function's body before a call of it, and gives the values that it has as outputs. `attributes` are those that the call gives. */
  copyIn(f: FunctionDef, call: Node, attributes: ReadonlyMap<string, Attr>): (Value | undefined)[] {
    const body = bodyOf(f, call, attributes);
    const graphs = graphsWithin([body]);
    for (const graph of graphs) {
      for (const node of graph.nodes())
        if (node.name !== undefined) mutable(node).name = this.#nodeNames.take(node.name);
      if (graph === body) continue;
      // A renamed value comes last in its graph's map.
      const values = Array.from(graph.values.values());
      for (const value of values) {
        const name = this.#free(value.name);
        if (name !== value.name) this.edit.rename(value, name);
        this.#count(name, 1);
      }
    }
    return this.#move(
      body,
      call,
      body.inputs.map((_, i) => call.inputs[i]),
    );
  }

  #move(body: Graph, before: Node, given: readonly (Value | undefined)[]): (Value | undefined)[] {
    const inputs = new Map(body.inputs.map((value, i) => [value, given[i]]));
    const results = body.outputs.map((value) => (inputs.has(value) ? inputs.get(value) : value));
    setGraphOutputs(body, []);
    const infos = new Map([...body.outputInfos, ...body.valueInfos].map((info) => [info.name, info]));
    for (const [input, to] of inputs) this.#replaceInput(body, input, to);
    const moved: ValueInfo[] = [];
    const adopt = (value: Value): void => {
      const info = infos.get(value.name);
      this.#adopt(value, before.graph);
      if (info) moved.push({ ...info, name: value.name });
    };
    for (const value of body.initializers) {
      adopt(value);
      mutable(before.graph).initializers.add(value);
    }
    for (const value of body.sparseInitializers) {
      adopt(value);
      mutable(before.graph).sparseInitializers.add(value);
    }
    for (const node of body.nodes()) {
      unlinkNode(node);
      mutable(node).graph = before.graph;
      linkNode(node, before);
      for (const value of node.outputs) if (value) adopt(value);
      this.#scopes.addGraphs(graphsWithin(node.subgraphs));
      this.edit.touch(node);
    }
    if (moved.length > 0) this.edit.setValueInfos(before.graph, [...before.graph.valueInfos, ...moved]);
    return results;
  }

  #replaceInput(body: Graph, input: Value, to: Value | undefined): void {
    for (const user of input.uses.keys())
      setInputs(
        user,
        user.inputs.map((v) => (v === input ? to : v)),
      );
    if (input.outputCount === 0 || !to) return;
    for (const graph of graphsWithin([body])) if (graph.outputs.includes(input)) swapGraphOutput(graph, input, to);
  }

  /** A value becomes one of another graph, under its own name if that is free. */
  #adopt(value: Value, graph: Graph): void {
    const name = this.#free(value.name);
    this.#count(name, 1);
    this.#scopes.remove(value.graph, value.name);
    mutable(value.graph).values.delete(value.name);
    Object.assign(mutable(value), { graph, name });
    mutable(graph).values.set(name, value);
    this.#scopes.add(graph, name);
  }

  #free(name: string): string {
    return (this.#counts.get(name) ?? 0) === 0 ? name : this.edit.freshName(name);
  }

  #count(name: string, more: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more);
  }
}

/** Whether a function can be written out where it is called: what is left out or is a graph itself would have to be followed further. */
export function canCopyIn(f: FunctionDef, call: Node): boolean {
  const given = f.body.inputs.map((_, i) => call.inputs[i]);
  const within = graphsWithin([f.body]);
  return (
    call.inputs.length <= given.length &&
    f.body.inputs.every((v, i) => given[i] !== undefined || within.every((g) => !g.outputs.includes(v))) &&
    Array.from(call.attrs.values()).every((a) => graphsOf(a).length === 0)
  );
}
