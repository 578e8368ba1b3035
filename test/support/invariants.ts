import type { Graph, Model, Node, Value } from '../../src/graph/ir.js';

/** What must hold of every model at any time, found out from the nodes alone. Gives what does not, in words. */
export function brokenInvariants(model: Model): string[] {
  const broken: string[] = [];
  const uses = new Map<Value, Map<Node, number>>();
  const listed = new Map<Value, number>();
  const values = new Set<Value>();
  const names = new Map<Graph, Set<string>>();
  const visit = (graph: Graph): void => {
    let count = 0;
    let previous: Node | undefined;
    const own = new Set<Value>([...graph.inputs, ...graph.initializers, ...graph.sparseInitializers]);
    for (let node = graph.first; node; node = node.next) {
      count += 1;
      if (node.graph !== graph) broken.push(`${node.opType} stands in another graph than it says`);
      if (node.previous !== previous) broken.push(`${node.opType} does not know its neighbour`);
      previous = node;
      for (const v of node.outputs) {
        if (v?.producer !== node && v) broken.push(`${v.name} does not know its producer`);
        if (v) own.add(v);
      }
      for (const v of node.inputs) {
        if (!v) continue;
        const users = uses.get(v) ?? new Map<Node, number>();
        uses.set(v, users.set(node, (users.get(node) ?? 0) + 1));
      }
      for (const sub of node.subgraphs) {
        if (sub.owner !== node) broken.push(`a graph in ${node.opType} does not know its owner`);
        visit(sub);
      }
    }
    if (count !== graph.nodeCount) broken.push(`${graph.nodeCount} nodes are counted; there are ${count}`);
    if (graph.last !== previous) broken.push('the last node is another');
    for (const v of graph.outputs) listed.set(v, (listed.get(v) ?? 0) + 1);
    graph.outputs.forEach((v, i) => {
      if (graph.outputInfos[i]?.name !== v.name) broken.push(`output ${v.name} is declared under another name`);
    });
    names.set(graph, new Set(Array.from(own, (v) => v.name)));
    for (const v of own) {
      values.add(v);
      if (v.graph !== graph) broken.push(`${v.name} belongs to another graph`);
      if (graph.values.get(v.name) !== v) broken.push(`${v.name} is not found by its name`);
      if (graph.inputs.includes(v) !== v.isInput) broken.push(`${v.name} is wrong about being an input`);
      if ((v.initializer !== undefined) !== graph.initializers.has(v)) broken.push(`${v.name}: initializers disagree`);
    }
    for (const [name, v] of graph.values)
      if (!own.has(v)) broken.push(`${name} is a name of the graph, and nothing defines it`);
  };
  visit(model.graph);
  for (const value of values) {
    const expected = uses.get(value) ?? new Map<Node, number>();
    if (expected.size !== value.uses.size || [...expected].some(([n, count]) => value.uses.get(n) !== count))
      broken.push(`the uses of ${value.name} are wrong`);
    if ((listed.get(value) ?? 0) !== value.outputCount)
      broken.push(`${value.name} is listed ${listed.get(value) ?? 0} times`);
  }
  for (const value of [...uses.keys(), ...listed.keys()])
    if (!values.has(value)) broken.push(`${value.name} is used and stands in no graph`);
  return broken;
}

/** Nodes whose outputs nobody needs, and initializers without a use. */
export function deadParts(model: Model): string[] {
  const dead: string[] = [];
  const needed = (v: Value | undefined): boolean => v !== undefined && (v.uses.size > 0 || v.outputCount > 0);
  for (const node of model.graph.nodes()) if (!node.outputs.some(needed)) dead.push(node.opType);
  for (const v of model.graph.initializers) if (!needed(v) && !v.isInput) dead.push(v.name);
  return dead;
}

/**
 * Names of graphs inside others that a graph around them has too, found out from inputs, initializers and nodes alone.
 */
export function shadowedNames(model: Model): string[] {
  const found: string[] = [];
  const visit = (graph: Graph, around: ReadonlySet<string>): void => {
    const own = new Set<string>();
    for (const v of [...graph.inputs, ...graph.initializers, ...graph.sparseInitializers]) own.add(v.name);
    for (const node of graph.nodes()) for (const v of node.outputs) if (v) own.add(v.name);
    found.push(...[...own].filter((name) => around.has(name)));
    const all = new Set([...around, ...own]);
    for (const node of graph.nodes()) for (const sub of node.subgraphs) visit(sub, all);
  };
  visit(model.graph, new Set());
  for (const f of model.functions) visit(f.body, new Set());
  return found;
}
