import { type Attr } from '../graph/attr.js';
import { type Editor, everyGraph } from '../graph/edit.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import { topologicalOrder } from '../graph/order.js';
import { isDeterministic } from './deterministic.js';
import { NodeTable } from './node-table.js';

/** Lets all users of nodes that compute the same from the same inputs use the first of them. Gives how many nodes went. */
export function mergeCommonSubexpressions(model: Model, edit: Editor): number {
  let merged = 0;
  for (const graph of everyGraph(model)) if (graph.root === model) merged += mergeIn(graph, edit);
  return merged;
}

function mergeIn(graph: Graph, edit: Editor): number {
  const merged = new Map<Value, Value>();
  const seen = new NodeTable((value) => merged.get(value) ?? value, kindOf);
  let count = 0;
  for (const node of topologicalOrder(graph)) {
    if (!isComparable(node)) continue;
    const first = seen.firstLike(node);
    if (first && canReplace(node, first, edit)) {
      count += 1;
      node.outputs.forEach((from, i) => {
        const to = first.outputs[i];
        if (!from || !to) return;
        merged.set(from, to);
        if (from.outputCount > 0) edit.replaceUses(from, to);
      });
    }
  }
  edit.replaceAllUses(new Map([...merged].filter(([from]) => from.uses.size > 0)));
  return count;
}

function canReplace(node: Node, first: Node, edit: Editor): boolean {
  return node.outputs.every((from, i) => {
    const to = first.outputs[i];
    return !from || (to !== undefined && edit.canReplaceUses(from, to));
  });
}

const isComparable = (node: Node): boolean =>
  isDeterministic(node) && Array.from(node.attrs.values(), valueKey).every((key) => key !== undefined);

/** The operator, and the attributes bit for bit, sorted by name. */
function kindOf(node: Node): string {
  const attrs = Array.from(node.attrs.values(), (attr) => `${attr.name}=${valueKey(attr) ?? ''}`);
  return `${node.domain}:${node.opType}:${node.overload ?? ''}${JSON.stringify(attrs.sort())}`;
}

/** Undefined for what is not worth comparing, or cannot be. */
function valueKey(attr: Attr): string | undefined {
  switch (attr.kind) {
    case 'int':
      return `i${attr.value}`;
    case 'ints':
      return `I${attr.values.join()}`;
    case 'float':
      return `f${attr.bits}`;
    case 'floats':
      return `F${new Uint32Array(attr.values.buffer, attr.values.byteOffset, attr.values.length).join()}`;
    case 'string':
      return `s${attr.value.join()}`;
    case 'strings':
      return `S${attr.values.map((v) => v.join()).join(';')}`;
    default:
      return undefined;
  }
}
