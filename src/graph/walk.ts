import type { Graph, Model, Node } from './ir.js';

/** Every graph of a model: its own, its functions' bodies, and those inside nodes. */
export const everyGraph = (model: Model): Graph[] => graphsWithin([model.graph, ...model.functions.map((f) => f.body)]);

/** These graphs, and those inside their nodes. */
export function graphsWithin(graphs: readonly Graph[]): Graph[] {
  const all: Graph[] = [];
  const pending = [...graphs];
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    all.push(graph);
    for (const node of graph.nodes()) if (node.attrs.size > 0) for (const sub of node.subgraphs) pending.push(sub);
  }
  return all;
}

/** Every node of a model: in its graph, in the bodies of its functions, and in the graphs inside nodes. */
export const everyNode = (model: Model): Node[] => everyGraph(model).flatMap((g) => [...g.nodes()]);

/** The names of all values, in any graph. */
export function namesOf(model: Model): Set<string> {
  const names = new Set<string>();
  for (const graph of everyGraph(model)) for (const name of graph.values.keys()) names.add(name);
  return names;
}
