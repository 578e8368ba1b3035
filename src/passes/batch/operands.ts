import { intsOf } from '../../graph/infer-node.js';
import type { Node } from '../../graph/ir.js';
import { Concat, Expand, Resize } from '../../ops/index.js';
import { numbersOf } from '../../ops/ints.js';
import { rankOf, shapeOf } from '../../ops/tensors.js';
import { isZero, type SizeEditor } from './size-editor.js';
import { type BatchSizes, PROBE } from './sizes.js';

/** Joined on another axis, everything has to have as many rows: a class token is repeated for each sample. */
export function concatWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (!node.is(Concat)) return;
  const axes = node.in.xs.flatMap((x) => sizes.carried(x) ?? []).map((c) => c.axis);
  const [axis] = axes;
  const rank = rankOf(node.in.xs[0]);
  if (axis === undefined || rank === undefined || axes.some((a) => a !== axis)) return;
  if ((node.attr.axis + rank) % rank === axis) return;
  node.in.xs.forEach((x, i) => {
    if (sizes.isStuck(x, axis)) edit.widen(node, i, axis);
  });
}

/** Inputs of LSTM, GRU and RNN that have an entry for each sample, and on which axis (layout 0). */
const LENGTHS = 4;
const STATES = [5, 6];

/** Start states that are all zeros go, others are repeated for each sample; and so are the lengths. */
export function recurrentWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (node.domain !== '' || !/^(LSTM|GRU|RNN)$/.test(node.opType)) return;
  const layout = node.attrs.get('layout');
  const axis = layout?.kind === 'int' && layout.value === 1n ? 0 : 1;
  if (sizes.carried(node.inputs[0])?.axis !== axis) return;
  if (sizes.isStuck(node.inputs[LENGTHS], 0)) edit.widen(node, LENGTHS, 0);
  for (const i of STATES) {
    if (!sizes.isStuck(node.inputs[i], axis)) continue;
    if (isZero(node.inputs[i])) edit.edit.setInput(node, i, undefined);
    else edit.widen(node, i, axis);
  }
}

/** A constant grid is the same for each image. */
export function gridWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (node.domain !== '' || node.opType !== 'GridSample') return;
  if (sizes.carried(node.inputs[0])?.axis === 0 && sizes.isStuck(node.inputs[1], 0)) edit.widen(node, 1, 0);
}

/** Resize to sizes that list the batch. */
export function resizeWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (!node.is(Resize) || !node.in.sizes) return;
  const [carried, rank] = [sizes.carried(node.in.x), rankOf(node.in.x)];
  const wanted = numbersOf(intsOf(node.in.sizes, sizes.known));
  if (!carried || rank === undefined || !wanted || carried.per !== 1) return;
  const axes = node.attr.axes?.map((a) => (a + rank) % rank);
  const at = axes ? axes.indexOf(carried.axis) : carried.axis;
  if (at >= 0 && wanted[at] === sizes.batch) edit.setBatchEntry(node, 3, node.in.sizes, wanted, at);
}

/** Expand to a shape that lists the batch: 1 leaves it as it is. One of several equal rows is enough for a batch that is computed. */
export function expandWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (!node.is(Expand)) return;
  const [carried, rank] = [sizes.carried(node.in.x), rankOf(node.in.x)];
  const wanted = intsOf(node.in.shape, sizes.known);
  if (rank === undefined || !wanted) return;
  if (!carried) {
    wanted.forEach((d, i) => {
      const axis = i - wanted.length + rank;
      if (d === sizes.batch * PROBE && sizes.isStuck(node.in.x, axis)) edit.narrow(node, 0, axis);
    });
    return;
  }
  const at = wanted.length - rank + carried.axis;
  if (wanted[at] === sizes.batch * carried.per && wanted[at] !== 1)
    edit.setEntries(node, 1, node.in.shape, wanted, new Map([[at, 1]]));
}

const BROADCASTING = new Set(
  'Add,And,BitwiseAnd,BitwiseOr,BitwiseXor,Div,Equal,Greater,GreaterOrEqual,Less,LessOrEqual,Max,Mean,Min,Mod,Mul,Or,PRelu,Pow,Sub,Sum,Where,Xor'.split(
    ',',
  ),
);

/** Constants with a row for each of several samples: one row broadcasts. With a batch of 1 there is nothing to do. */
export function broadcastWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (sizes.batch === 1 || node.domain !== '' || !BROADCASTING.has(node.opType)) return;
  for (const other of node.inputs) {
    const [carried, rank] = [sizes.carried(other), rankOf(other)];
    if (!carried || rank === undefined || carried.per !== 1) continue;
    node.inputs.forEach((value, i) => {
      const shape = shapeOf(value);
      const axis = carried.axis - rank + (shape?.length ?? 0);
      if (axis >= 0 && sizes.isStuck(value, axis)) edit.narrow(node, i, axis);
    });
  }
}
