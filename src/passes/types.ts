import { type Editor, everyGraph } from '../graph/edit.js';
import { inferShapes } from '../graph/infer.js';
import type { KnownInts } from '../graph/infer-node.js';
import type { Model, Node, Value } from '../graph/ir.js';
import { isOpenSize, isTensorType, openSize, type Shape, type ValueType } from '../graph/types.js';
import { Conv, ConvTranspose, registry } from '../ops/index.js';
import { dtypeOf, shapeOf } from '../ops/tensors.js';

/**
 * Finds the types of all values, and gives the integers that some of them hold. Only sizes that are computed count: what a file declares of inner values
 * and outputs may be stale, and onnxruntime runs such files all the same.
 */
export function findTypes(model: Model): KnownInts {
  const proven = new Map<Value, ValueType>();
  for (;;) {
    const known: KnownInts = new WeakMap();
    inferShapes(model, registry, { known, computedOnly: true, values: proven });
    if (!proveRanks(model, proven)) return known;
  }
}

/** A convolution runs on values of one rank and number of channels only: what reads its input beside it may rely on that. Whether there is more to prove. */
function proveRanks(model: Model, proven: Map<Value, ValueType>): boolean {
  const before = proven.size;
  for (const graph of everyGraph(model))
    for (let node = graph.first; node; node = node.next) {
      if (node.opType !== 'Conv' && node.opType !== 'ConvTranspose') continue;
      const [x, w] = node.inputs;
      // In a branch it may not run at all.
      if (!x || x.graph !== graph || shapeOf(x) || proven.has(x)) continue;
      const shape = readShape(node, shapeOf(w), proven.size);
      if (shape) proven.set(x, { kind: 'tensor', dtype: dtypeOf(w), shape });
    }
  return proven.size > before;
}

/** No runtime knows windows of more axes. */
const MAX_RANK = 16;

function readShape(node: Node, weight: Shape | undefined, count: number): Shape | undefined {
  const [outputs, width] = weight ?? [];
  const group = node.is(Conv) || node.is(ConvTranspose) ? node.attr.group : undefined;
  if (!weight || weight.length > MAX_RANK || group === undefined) return undefined;
  const channels = node.is(Conv) ? (typeof width === 'number' ? width * group : undefined) : outputs;
  return weight.map((_, axis) => (axis === 1 ? channels : openSize(-1 - count * MAX_RANK - axis)));
}

/** Takes the names that `findTypes` gave to open sizes out of the types: they mean nothing outside of the passes. */
export function forgetOpenSizes(model: Model, edit: Editor): void {
  for (const graph of everyGraph(model))
    for (const value of graph.values.values()) {
      const { type } = value;
      if (!isTensorType(type) || !type.shape?.some(isOpenSize)) continue;
      edit.setType(value, { ...type, shape: type.shape.map((d) => (isOpenSize(d) ? undefined : d)) });
    }
}
