import type { Graph, Node, Value } from './ir.js';

/**
 * The nodes of a graph, each after those it depends on, what its subgraphs capture included; the file's order wherever that allows.
 * A circle is broken at the node that the file has first.
 */
export function topologicalOrder(graph: Graph): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  for (const start of graph.nodes()) {
    if (seen.has(start)) continue;
    seen.add(start);
    const path = [{ node: start, waitsFor: dependencies(start) }];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.waitsFor.pop();
      if (!next) {
        order.push(top.node);
        path.pop();
      } else if (!seen.has(next)) {
        seen.add(next);
        path.push({ node: next, waitsFor: dependencies(next) });
      }
    }
  }
  return order;
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
