import { printable } from '../base/text.js';
import { type Graph, Node, type Value } from './ir.js';
import { cycleMessage, findCycle, nodeLabel, numberNodes } from './order.js';
import type { ProblemList } from './problems.js';
import { outerNamed } from './scope-names.js';
import { isTensorType, typeText, type ValueType } from './types.js';

/** A node (or the graph in it) reads `value` before `producer` has made it. */
interface Misplaced {
  readonly reader: Node;
  readonly value: Value;
  readonly producer: Node;
}

/** What must hold of graphs, nodes and values, whatever the operators mean. */
export function checkGraphs(graphs: readonly Graph[], problems: ProblemList): void {
  for (const graph of graphs) numberNodes(graph);
  const misplaced = new Map<Graph, Misplaced[]>();
  const read = (graph: Graph, value: Value, node: Node | undefined): void => {
    const reader = around(value.graph, graph, node);
    if (reader === 'outside') {
      const message = `${printable(value.name)} belongs to a graph that is not around the one that uses it`;
      problems.add('scope', message, { node, value });
    } else if (reader && value.producer && value.producer.position >= reader.position) {
      const own = misplaced.get(value.graph) ?? [];
      own.push({ reader, value, producer: value.producer });
      misplaced.set(value.graph, own);
    }
  };
  for (const graph of graphs) {
    checkDefinitions(graph, problems);
    checkShadowing(graph, problems);
    for (const node of graph.nodes()) {
      checkNode(node, problems);
      for (const value of new Set(node.inputs)) if (value) read(graph, value, node);
    }
    checkOutputs(graph, problems);
    for (const value of graph.outputs) if (value.graph !== graph) read(graph, value, undefined);
  }
  for (const [graph, readers] of misplaced) reportOrder(graph, readers, problems);
}

/** The node of `outer` that is, or holds, `node` of `graph`; undefined for the graph's own outputs. */
function around(outer: Graph, graph: Graph, node: Node | undefined): Node | undefined | 'outside' {
  let reader = node;
  for (let g: Graph = graph; g !== outer; g = reader.graph) {
    if (!(g.owner instanceof Node)) return 'outside';
    reader = g.owner;
  }
  return reader;
}

/** Where nodes form a circle no order is right: that is said instead. */
function reportOrder(graph: Graph, readers: readonly Misplaced[], problems: ProblemList): void {
  const cycle = findCycle(graph);
  if (!cycle) {
    for (const { reader, value, producer } of readers)
      problems.add(
        'order',
        `${nodeLabel(reader)} reads ${printable(value.name)} and stands before ${nodeLabel(producer)}, which makes it`,
        { node: reader, value },
      );
    return;
  }
  problems.add('cycle', cycleMessage(cycle), { node: cycle[0], value: cycle[0]?.outputs.find((v) => v !== undefined) });
}

function checkNode(node: Node, problems: ProblemList): void {
  if (node.opType === '') problems.add('empty-name', `a node has no operator type: ${nodeLabel(node)}`, { node });
  if (node.attrs.has('')) problems.add('empty-name', `an attribute of ${nodeLabel(node)} has no name`, { node });
  for (const value of new Set(node.inputs))
    if (value?.isUndefined)
      problems.add('undefined-input', `${nodeLabel(node)} reads ${printable(value.name)}, which nothing defines`, {
        node,
        value,
      });
}

function checkOutputs(graph: Graph, problems: ProblemList): void {
  for (const value of graph.outputs) {
    if (value.name === '') problems.add('empty-name', 'an output of a graph has no name', { value });
    else if (value.isUndefined)
      problems.add('undefined-output', `nothing defines ${printable(value.name)}, an output of a graph`, { value });
  }
}

/**
 * No name of a subgraph is one of the graphs around it (ONNX IR specification, "Names Within a Graph"). onnxruntime
 * refuses a node that makes what is there already; of other names it takes now the outer value, now the inner one.
 */
function checkShadowing(graph: Graph, problems: ProblemList): void {
  if (!graph.parent) return;
  for (const value of graph.values.values()) {
    const outer = value.isUndefined ? undefined : outerNamed(graph, value.name)?.values.get(value.name);
    if (!outer || outer.isUndefined || value.name === '') continue;
    const where = `${printable(value.name)} is defined twice: in a graph as ${definition(outer)}, and in one inside it as ${definition(value)}`;
    problems.add(value.producer && isEarlier(outer, graph) ? 'duplicate-definition' : 'shadowing', where, {
      node: value.producer,
      value,
    });
  }
}

/** Whether a value is there before `graph`, inside its own graph, runs. */
function isEarlier(outer: Value, graph: Graph): boolean {
  const reader = around(outer.graph, graph, undefined);
  return !outer.producer || (reader instanceof Node && outer.producer.position < reader.position);
}

/** Each name of a graph is defined once: `graph.values` holds the first definition of each. */
function checkDefinitions(graph: Graph, problems: ProblemList): void {
  const check = (value: Value, what: string): void => {
    if (value.name === '') problems.add('empty-name', `${what} has no name`, { value, node: value.producer });
    const first = graph.values.get(value.name);
    if (first === value || !first) return;
    const bothData = value.initializer !== undefined && first.initializer !== undefined && !value.producer;
    problems.add(
      bothData ? 'duplicate-initializer' : 'duplicate-definition',
      `${printable(value.name)} is defined twice: as ${definition(first)} and as ${what}`,
      { value, node: value.producer },
    );
  };
  for (const value of graph.inputs) check(value, 'an input');
  for (const value of graph.initializers) {
    if (!value.isInput) check(value, 'an initializer');
    checkInitializer(value, problems);
  }
  for (const value of graph.sparseInitializers) if (!value.isInput) check(value, 'a sparse initializer');
  for (const node of graph.nodes())
    for (const value of node.outputs) if (value) check(value, `an output of ${nodeLabel(node)}`);
}

function definition(value: Value): string {
  if (value.isInput) return 'an input';
  if (value.initializer || value.sparseInitializer) return 'an initializer';
  return value.producer ? `an output of ${nodeLabel(value.producer)}` : 'nothing';
}

/** An input's declared type against the data that it defaults to. */
function checkInitializer(value: Value, problems: ProblemList): void {
  const declared = value.graph.inputInfos.get(value)?.type;
  const data = value.initializer;
  if (!data || !declared) return;
  const own: ValueType = { kind: 'tensor', dtype: data.dtype, shape: data.shape };
  const fits =
    isTensorType(declared) &&
    declared.dtype === data.dtype &&
    (!declared.shape ||
      (declared.shape.length === data.shape.length &&
        declared.shape.every((d, i) => typeof d !== 'number' || d === data.shape[i])));
  if (fits) return;
  const text = (t: ValueType): string => printable(typeText(t));
  problems.add('type', `${printable(value.name)} is declared as ${text(declared)}, and its data is ${text(own)}`, {
    value,
  });
}
