import { printable } from '../base/text.js';
import { type Graph, Node, type Value } from './ir.js';

const CYCLE_NODES_SHOWN = 8;

/** Gives the nodes of a graph their positions, which hold until the order changes. */
export const numberNodes = (graph: Graph): void => Node.number(graph);

/**
 * The nodes of a graph, each after those it depends on, what its subgraphs capture included; the file's order wherever
 * that allows. A circle is broken at the node that the file has first. Linear time, no recursion.
 */
export const topologicalOrder = (graph: Graph): Node[] => search(graph).order;

/** The nodes of one circle, each used by the next and the last by the first; undefined when there is none. */
export const findCycle = (graph: Graph): Node[] | undefined => search(graph).cycle;

function search(graph: Graph): { readonly order: Node[]; readonly cycle: Node[] | undefined } {
  if (isSorted(graph)) return { order: [...graph.nodes()], cycle: undefined };
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  let cycle: Node[] | undefined;
  for (const start of graph.nodes()) {
    if (state.has(start)) continue;
    state.set(start, 'open');
    const path = [{ node: start, waitsFor: dependencies(start) }];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.waitsFor.pop();
      if (!next) {
        order.push(top.node);
        state.set(top.node, 'done');
        path.pop();
      } else if (!state.has(next)) {
        state.set(next, 'open');
        path.push({ node: next, waitsFor: dependencies(next) });
      } else if (!cycle && state.get(next) === 'open') {
        const nodes = path.map((p) => p.node);
        cycle = nodes.slice(nodes.indexOf(next)).reverse();
      }
    }
  }
  return { order, cycle };
}

/** Most files have their nodes in an order in which they can run. */
function isSorted(graph: Graph): boolean {
  numberNodes(graph);
  const isMade = (value: Value | undefined, before: Node): boolean =>
    !value?.producer || value.graph !== graph || value.producer.position < before.position;
  for (let node = graph.first; node; node = node.next) {
    for (const value of node.inputs) if (!isMade(value, node)) return false;
    if (node.attrs.size > 0) for (const value of capturedBy(node)) if (!isMade(value, node)) return false;
  }
  return true;
}

/** What is said of a circle that `findCycle` found. */
export function cycleMessage(cycle: readonly Node[]): string {
  const names = cycle.slice(0, CYCLE_NODES_SHOWN).map(nodeLabel);
  if (cycle.length > names.length) names.push(`${cycle.length - names.length} more`);
  return `${cycle.length} nodes depend on each other in a circle: ${[...names, names[0]].join(' -> ')}`;
}

/** How a node is called in messages: by its name, or by what it makes. */
export function nodeLabel(node: Node): string {
  if (node.name) return printable(node.name);
  const output = node.outputs.find((v) => v !== undefined);
  return output ? `${printable(node.opType)} that makes ${printable(output.name)}` : printable(node.opType);
}

/** The nodes of the same graph that a node reads from, itself or in its subgraphs; the last read first. */
export function dependencies(node: Node): Node[] {
  const found: Node[] = [];
  const add = (value: Value | undefined): void => {
    if (value?.producer && value.graph === node.graph) found.push(value.producer);
  };
  for (const value of node.inputs) add(value);
  if (node.attrs.size > 0) for (const value of capturedBy(node)) add(value);
  return found.reverse();
}

/** The values from outside that the subgraphs of a node read, with repetitions. */
export function* capturedBy(node: Node): Generator<Value, void, undefined> {
  const pending = [...node.subgraphs];
  const inside = new Set<Graph>(pending);
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    for (const value of graph.outputs) if (!inside.has(value.graph)) yield value;
    for (const inner of graph.nodes()) {
      for (const value of inner.inputs) if (value && !inside.has(value.graph)) yield value;
      if (inner.attrs.size === 0) continue;
      for (const sub of inner.subgraphs) {
        inside.add(sub);
        pending.push(sub);
      }
    }
  }
}
