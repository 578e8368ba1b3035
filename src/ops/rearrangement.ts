import type { Value } from '../graph/ir.js';
import { added, attr, defineOp } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { vectorOf } from './ints.js';
import {
  addDims,
  axisOf,
  dtypeOf,
  expectRank,
  like,
  multiplyDims,
  rankOf,
  shapeError,
  shapeOf,
  shapeText,
  sharedShape,
  typed,
} from './tensors.js';
import { ALL, CLASSIC, INDICES } from './types.js';

export const Transpose = defineOp({
  name: 'Transpose',
  since: [1, 13, 21, 23, 24, 25],
  doc: 'Axis i of y is axis perm[i] of x; reversed without perm. x, y: the same rank.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: ALL },
  attrs: { perm: attr.ints() },
  infer({ in: { x }, attr: { perm } }) {
    const input = shapeOf(x);
    if (!input)
      return {
        y: like(
          x,
          perm?.map((): Dim => undefined),
        ),
      };
    if (!perm) return { y: like(x, input.toReversed()) };
    if (
      perm.length !== input.length ||
      perm.some((p) => p < 0 || p >= perm.length) ||
      new Set(perm).size !== perm.length
    )
      throw shapeError(
        `perm ${shapeText(perm)} does not order the ${input.length} axes of ${shapeText(input)}`,
        `each of 0 to ${input.length - 1} once`,
      );
    return {
      y: like(
        x,
        perm.map((p) => input[p]),
      ),
    };
  },
});

export const Concat = defineOp({
  name: 'Concat',
  since: [4, 11, 13],
  doc: 'Joins tensors along one axis. xs, y: sizes equal on all others.',
  inputs: { xs: 'T*' },
  outputs: { y: 'T' },
  types: { T: CLASSIC },
  attrs: { axis: attr.requiredInt() },
  infer({ in: { xs }, attr }) {
    const shapes = xs.map(shapeOf);
    const dtype = xs.map(dtypeOf).find((d) => d !== 'undefined') ?? 'undefined';
    const rank = shapes.find((s) => s)?.length;
    if (rank === undefined) return { y: typed(dtype, undefined) };
    const axis = axisOf(attr.axis, rank);
    const others = sharedShape(
      shapes.map((s) => (s?.length === rank ? s.with(axis, undefined) : s)),
      'inputs of Concat',
    );
    const along = shapes
      .map((s) => s?.[axis])
      .reduce<Dim>((sum, d) => (d === undefined ? undefined : addDims(sum, d)), 0);
    return { y: typed(dtype, others?.with(axis, along)) };
  },
  data({ in: { xs }, ints }) {
    const parts = xs.map((x) => (rankOf(x) === 1 ? vectorOf(x, ints) : undefined));
    return parts.every((p) => p !== undefined) ? parts.flat() : undefined;
  },
});

/** N,C,H,W with blocks moved from space to channels, or back. Throws `graph/shape` where it does not divide. */
function movedBlocks(x: Value, block: number, toDepth: boolean): Shape | undefined {
  const input = shapeOf(x);
  if (!input) return undefined;
  expectRank(input, 4, 'the input');
  const divide = (d: Dim, by: number, what: string): Dim => {
    if (typeof d !== 'number') return undefined;
    if (d % by === 0) return d / by;
    throw shapeError(`${what} of ${d} cannot be divided by ${by} (blocksize ${block})`);
  };
  const [n, c, h, w] = input;
  return toDepth
    ? [n, multiplyDims(c, block * block), divide(h, block, 'a height'), divide(w, block, 'a width')]
    : [n, divide(c, block * block, 'channels'), multiplyDims(h, block), multiplyDims(w, block)];
}

export const DepthToSpace = defineOp({
  name: 'DepthToSpace',
  since: [1, 11, 13, 28],
  doc: 'Moves blocks of channels into space. x: N,C*b*b,H,W. y: N,C,H*b,W*b.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC },
  attrs: { blocksize: attr.requiredInt(), mode: added(11, attr.oneOf('DCR', 'CRD')) },
  infer: ({ in: { x }, attr }) => ({ y: like(x, movedBlocks(x, attr.blocksize, false)) }),
});

export const SpaceToDepth = defineOp({
  name: 'SpaceToDepth',
  since: [1, 13, 28],
  doc: 'Moves blocks of space into channels. x: N,C,H*b,W*b. y: N,C*b*b,H,W.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC },
  attrs: { blocksize: attr.requiredInt(), mode: added(28, attr.oneOf('DCR', 'CRD')) },
  infer: ({ in: { x }, attr }) => ({ y: like(x, movedBlocks(x, attr.blocksize, true)) }),
});

export const CenterCropPad = defineOp({
  name: 'CenterCropPad',
  since: [18],
  doc: 'The middle of x cropped or padded with zeros to a shape, on all axes or on some. x: D1..Dn. shape: K integers.',
  inputs: { x: 'T', shape: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INDICES },
  attrs: { axes: attr.ints() },
  infer({ in: { x, shape }, attr, ints }) {
    const [input, wanted] = [shapeOf(x), vectorOf(shape, ints)];
    if (!attr.axes) return { y: like(x, wanted ?? input?.map(() => undefined)) };
    if (!input) return { y: like(x, undefined) };
    const out = [...input];
    attr.axes.forEach((axis, i) => {
      out[axisOf(axis, input.length)] = wanted?.[i];
    });
    return { y: like(x, out) };
  },
});
