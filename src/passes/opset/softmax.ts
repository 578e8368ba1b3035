import { attrOf } from '../../graph/attr.js';
import type { Dim, Shape } from '../../graph/types.js';
import {
  Flatten,
  Hardmax,
  Hardmax1,
  LogSoftmax,
  LogSoftmax1,
  Reshape,
  ShapeOp,
  Softmax,
  Softmax1,
  Transpose,
} from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { int64Constant, of, type OpsetChange, refuse } from './step.js';

/*
 * Before opset 13, Softmax and its kin flatten all axes from `axis` on, and normalise over them together; from 13 on they normalise along
 * one axis. The two are the same where all axes but one of those flattened have the size 1.
 */

const KIN = [
  [Softmax, Softmax1],
  [LogSoftmax, LogSoftmax1],
  [Hardmax, Hardmax1],
] as const;

const isStatic = (shape: Shape | undefined): shape is readonly number[] =>
  shape?.every((d) => typeof d === 'number') ?? false;

/** The one axis from `first` on whose size is not 1; the last, if all are. Undefined where several may be larger. */
function onlyAxis(shape: Shape, first: number): number | undefined {
  const large = shape.flatMap((d: Dim, i) => (i >= first && d !== 1 ? [i] : []));
  return large.length > 1 ? undefined : (large[0] ?? shape.length - 1);
}

export const SOFTMAX_CHANGES: readonly OpsetChange[] = KIN.map(([now, old]) => ({
  op: now.name,
  version: 13,
  changes: 'axis is one axis; before, all axes from it on were flattened to one',
  up: of(old, (node) => {
    const { x } = node.in;
    const { y } = node.out;
    const shape = shapeOf(x);
    const { axis } = node.attr;
    if (axis === -1) return undefined;
    const first = shape && (axis < 0 ? axis + shape.length : axis);
    const along = shape && first !== undefined ? onlyAxis(shape, first) : undefined;
    if (along !== undefined) return (edit) => edit.setAttr(node, attrOf.int('axis', along));
    return (edit) => {
      const { graph } = node;
      const matrix = edit.add(graph, Flatten, { x }, { axis }, { before: node }).out.y;
      const flat = edit.add(graph, now, { x: matrix }, { axis: -1 }, { before: node, name: node.name });
      const sizes = isStatic(shape)
        ? int64Constant(edit, node, shape, 'shape')
        : edit.add(graph, ShapeOp, { x }, {}, { before: node }).out.y;
      const name = edit.freshNodeName(`${y.name}_reshape`);
      edit.replace(node, Reshape, { x: flat.out.y, shape: sizes }, {}, { name });
    };
  }),
  down: of(now, (node) => {
    const { x } = node.in;
    const { y } = node.out;
    const { axis } = node.attr;
    const rank = shapeOf(x)?.length;
    if (axis === -1) return (edit) => edit.setAttr(node, attrOf.int('axis', rank === undefined ? -1 : rank - 1));
    if (rank === undefined) return refuse('the rank is not known, and axis is not the last');
    const along = axis < 0 ? axis + rank : axis;
    if (
      shapeOf(x)
        ?.slice(along + 1)
        .every((d) => d === 1)
    )
      return (edit) => edit.setAttr(node, attrOf.int('axis', along));
    // The axis becomes the last, and goes back.
    const perm = Array.from({ length: rank }, (_, i) => (i === along ? rank - 1 : i === rank - 1 ? along : i));
    return (edit) => {
      const { graph } = node;
      const turned = edit.add(graph, Transpose, { x }, { perm }, { before: node }).out.y;
      const last = edit.add(graph, old, { x: turned }, { axis: rank - 1 }, { before: node, name: node.name });
      const name = edit.freshNodeName(`${y.name}_transpose`);
      edit.replace(node, Transpose, { x: last.out.y }, { perm }, { name });
    };
  }),
}));
