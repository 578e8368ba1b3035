import { type Attr } from '../graph/attr.js';
import { type Editor, everyGraph } from '../graph/edit.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import { topologicalOrder } from '../graph/order.js';
import { isDeterministic } from './deterministic.js';

/** Lets all users of nodes that compute the same from the same inputs use the first of them. Gives how many nodes went. */
export function mergeCommonSubexpressions(model: Model, edit: Editor): number {
  let merged = 0;
  for (const graph of everyGraph(model)) if (graph.root === model) merged += mergeIn(graph, edit);
  return merged;
}

function mergeIn(graph: Graph, edit: Editor): number {
  const merged = new Map<Value, Value>();
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value | undefined): number => {
    if (!value) return -1;
    const same = merged.get(value) ?? value;
    const known = numbers.get(same) ?? numbers.size;
    numbers.set(same, known);
    return known;
  };
  const seen = new Map<string, Node>();
  let count = 0;
  for (const node of topologicalOrder(graph)) {
    const attrs = attributesKey(node);
    if (attrs === undefined || !isDeterministic(node)) continue;
    const key = `${node.domain}:${node.opType}:${node.overload ?? ''}(${node.inputs.map(numberOf).join()})${attrs}`;
    const first = seen.get(key);
    if (!first) seen.set(key, node);
    else if (canReplace(node, first, edit)) {
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

/** Attributes bit for bit, sorted by name; undefined for those that are not worth comparing, or cannot be. */
function attributesKey(node: Node): string | undefined {
  const parts: string[] = [];
  for (const attr of node.attrs.values()) {
    const value = valueKey(attr);
    if (value === undefined) return undefined;
    parts.push(`${attr.name}=${value}`);
  }
  return JSON.stringify(parts.sort());
}

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
