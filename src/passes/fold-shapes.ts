import { type Editor, everyGraph } from '../graph/edit.js';
import type { KnownInts } from '../graph/infer-node.js';
import type { Model, Node } from '../graph/ir.js';
import { topologicalOrder } from '../graph/order.js';
import { isTensorType, staticShape } from '../graph/types.js';
import { elementCount } from '../tensor/dtype.js';
import { int64Tensor, type Tensor, tensor } from '../tensor/tensor.js';
import { isDeterministic } from './deterministic.js';
import { holdsInitializers } from './match.js';
import { isLive } from './runner.js';

/** Makes constants of the integers that inference knows: sizes of known dimensions, and what is computed from them. Gives how many nodes went. */
export function foldShapeArithmetic(model: Model, edit: Editor, known: KnownInts): number {
  let folded = 0;
  for (const graph of everyGraph(model)) {
    if (!holdsInitializers(graph)) continue;
    for (const node of topologicalOrder(graph)) {
      if (!isLive(node)) continue;
      const data = knownOutput(node, known);
      const [y] = node.outputs;
      if (!data || !y || y.outputCount > 0 || node.outputs.length > 1 || !isDeterministic(node)) continue;
      edit.foldTo(y, data);
      folded += 1;
    }
  }
  return folded;
}

function knownOutput(node: Node, known: KnownInts): Tensor | undefined {
  const [y] = node.outputs;
  const ints = y && known.get(y);
  const shape = staticShape(y?.type);
  if (!ints || !shape || !isTensorType(y?.type) || elementCount(shape) !== ints.length) return undefined;
  const numbers = ints.filter((d) => typeof d === 'number');
  if (numbers.length < ints.length) return undefined;
  if (y.type.dtype === 'int64') return numbers.every(Number.isSafeInteger) ? int64Tensor(shape, numbers) : undefined;
  if (y.type.dtype === 'bool')
    return tensor(
      'bool',
      shape,
      Uint8Array.from(numbers, (n) => (n === 0 ? 0 : 1)),
    );
  const narrow = Int32Array.from(numbers);
  if (y.type.dtype !== 'int32' || numbers.some((n, i) => n !== narrow[i])) return undefined;
  return tensor('int32', shape, new Uint8Array(narrow.buffer));
}
