import type { Attr } from './attr.js';
import { graphsOf } from './attr.js';
import { Graph, NO_ATTRS, Node, Value } from './ir.js';
import { type Uses, withUses } from './uses.js';

/*
 * The only writes to the IR's objects. They keep producers, uses and order consistent, and nothing else: no checks, no
 * touched spans. For `Editor`, for cloning, and for readers of file formats, which must be able to hold a broken graph;
 * nobody else imports this.
 */

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends ReadonlyMap<infer A, infer B>
    ? Map<A, B>
    : T[K] extends ReadonlySet<infer A>
      ? Set<A>
      : T[K];
};

/** The same object, writable. */
export const mutable = <T extends object>(x: T): Mutable<T> => x as Mutable<T>;

/** Sets some properties of an object. */
export function assign<T extends object>(x: T, properties: NoInfer<Partial<T>>): T {
  return Object.assign(x, properties);
}

/** A new value of `graph`. Its name is found by `graph.values` unless an earlier value has it. */
export function defineValue(graph: Graph, name: string): Value {
  const value = new Value(graph, name);
  if (!graph.values.has(name)) mutable(graph).values.set(name, value);
  return value;
}

export function renameValue(value: Value, name: string): void {
  const values = mutable(value.graph).values;
  if (values.get(value.name) === value) values.delete(value.name);
  mutable(value).name = name;
  if (!values.has(name)) values.set(name, value);
}

/** Takes a value that nothing uses any more out of its graph's names. */
export function forgetValue(value: Value): void {
  const { values } = mutable(value.graph);
  if (values.get(value.name) === value) values.delete(value.name);
  mutable(value.graph).initializers.delete(value);
  mutable(value.graph).sparseInitializers.delete(value);
}

export function setInputs(node: Node, inputs: readonly (Value | undefined)[]): void {
  for (const value of node.inputs) if (value) addUses(value, node, -1);
  mutable(node).inputs = [...inputs];
  for (const value of inputs) if (value) addUses(value, node, 1);
}

/**
 * Lets a node read `to` wherever it reads `from`. Of a node with very many inputs, the others are neither copied nor
 * counted anew.
 */
export function swapInput(node: Node, from: Value, to: Value): void {
  const inputs = mutableInputs(node);
  const count = from.uses.get(node) ?? 0;
  for (let left = count, i = inputs.indexOf(from); left > 0 && i >= 0; left--) {
    inputs[i] = to;
    if (left > 1) i = inputs.indexOf(from, i + 1);
  }
  addUses(from, node, -count);
  addUses(to, node, count);
}

/** Changes one input; the others, and their uses, are not touched. `index` may be one past the last. */
export function setInputAt(node: Node, index: number, value: Value | undefined): void {
  const inputs = mutableInputs(node);
  const old = inputs[index];
  while (inputs.length < index) inputs.push(undefined);
  inputs[index] = value;
  if (old) addUses(old, node, -1);
  if (value) addUses(value, node, 1);
}

// An array of the node's own since `setInputs`.
const mutableInputs = (node: Node): (Value | undefined)[] => node.inputs as (Value | undefined)[];

function addUses(value: Value, node: Node, more: number): void {
  const count = Math.max(0, (value.uses.get(node) ?? 0) + more);
  (value as { uses: Uses<Node> }).uses = withUses(value.uses, node, count);
}

/** Makes `node` the producer of `outputs`. */
export function setOutputs(node: Node, outputs: readonly (Value | undefined)[]): void {
  for (const value of node.outputs) if (value?.producer === node) mutable(value).producer = undefined;
  mutable(node).outputs = [...outputs];
  for (const value of outputs) if (value) mutable(value).producer = node;
}

export function setAttrs(node: Node, attrs: Iterable<Attr>): void {
  const list = Array.from(attrs, (a): [string, Attr] => [a.name, a]);
  assign(node, { attrs: list.length === 0 ? NO_ATTRS : new Map(list) });
}

export function setGraphOutputs(graph: Graph, outputs: readonly Value[]): void {
  for (const value of graph.outputs) mutable(value).outputCount -= 1;
  mutable(graph).outputs = [...outputs];
  for (const value of outputs) mutable(value).outputCount += 1;
}

/** Lets a graph give `to` wherever it gives `from`. */
export function swapGraphOutput(graph: Graph, from: Value, to: Value): void {
  const outputs = graph.outputs.slice();
  for (let i = outputs.indexOf(from); i >= 0; i = outputs.indexOf(from, i + 1)) {
    outputs[i] = to;
    mutable(from).outputCount -= 1;
    mutable(to).outputCount += 1;
  }
  mutable(graph).outputs = outputs;
}

/**
 * Lists a value as one more input of a graph, in the list that there is: below IR version 4 every new constant comes
 * here.
 */
export function appendGraphInput(graph: Graph, value: Value): void {
  graph.lists.appendInput(value);
  mutable(value).isInput = true;
}

/** Takes an input off the list of its graph, which leaves it out from now on. */
export function dropGraphInput(value: Value): void {
  mutable(value).isInput = false;
  value.graph.lists.dropInputs();
}

export function setGraphInputs(graph: Graph, inputs: readonly Value[]): void {
  for (const value of graph.inputs) mutable(value).isInput = false;
  graph.lists.setInputs(inputs);
  for (const value of inputs) mutable(value).isInput = true;
}

/** Puts a node, in no graph's order yet, before `before`, or last. */
export function linkNode(node: Node, before?: Node): void {
  const graph = mutable(node.graph);
  const after = before ? before.previous : graph.last;
  mutable(node).previous = after;
  mutable(node).next = before;
  if (after) mutable(after).next = node;
  else graph.first = node;
  if (before) mutable(before).previous = node;
  else graph.last = node;
  graph.nodeCount += 1;
}

/** Takes a node out of the order only. */
export function unlinkNode(node: Node): void {
  const graph = mutable(node.graph);
  if (node.previous) mutable(node.previous).next = node.next;
  else graph.first = node.next;
  if (node.next) mutable(node.next).previous = node.previous;
  else graph.last = node.previous;
  mutable(node).previous = undefined;
  mutable(node).next = undefined;
  graph.nodeCount -= 1;
}

/** Releases all that removed graphs used. Gives the values that lost a use. */
export function releaseGraphs(graphs: readonly Graph[]): Set<Value> {
  const lost = new Set<Value>();
  const pending = [...graphs];
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    for (const value of graph.outputs) lost.add(value);
    setGraphOutputs(graph, []);
    for (const node of graph.nodes()) {
      for (const value of node.inputs) if (value) lost.add(value);
      setInputs(node, []);
      for (const attr of node.attrs.values()) for (const sub of graphsOf(attr)) pending.push(sub);
    }
  }
  return lost;
}
