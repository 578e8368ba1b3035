import { type Graph, Node, type Value } from '../graph/ir.js';
import { numberNodes } from '../graph/order.js';

/** The most bytes that the values of a graph, initializers aside, take at once when its nodes run in order. Undefined when a size is. */
export function peakBytes(graph: Graph, bytesOf: (value: Value) => number | undefined): number | undefined {
  numberNodes(graph);
  const born = new Float64Array(graph.nodeCount + 1);
  const gone = new Float64Array(graph.nodeCount + 2);
  for (const value of graph.values.values()) {
    if (value.initializer || value.sparseInitializer || value.isUndefined) continue;
    const bytes = bytesOf(value);
    if (bytes === undefined) return undefined;
    const start = value.producer?.position ?? 0;
    let end = start;
    for (const user of value.uses.keys()) end = Math.max(end, holder(user, graph)?.position ?? start);
    if (value.outputCount > 0) end = graph.nodeCount;
    born[start] = (born[start] ?? 0) + bytes;
    gone[end + 1] = (gone[end + 1] ?? 0) + bytes;
  }
  let live = 0;
  let peak = 0;
  born.forEach((bytes, i) => {
    live += bytes - (gone[i] ?? 0);
    peak = Math.max(peak, live);
  });
  return peak;
}

/** The node of `graph` that is, or holds, this one. */
function holder(node: Node, graph: Graph): Node | undefined {
  let at = node;
  while (at.graph !== graph && at.graph.owner instanceof Node) at = at.graph.owner;
  return at.graph === graph ? at : undefined;
}
