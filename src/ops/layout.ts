import { attr, defineOp } from '../graph/op-def.js';
import type { Dim } from '../graph/types.js';
import { numbersOf, vectorOf } from './ints.js';
import {
  addDims,
  axisOf,
  dtypeOf,
  like,
  rankOf,
  shapeError,
  shapeOf,
  shapeText,
  sharedShape,
  typed,
} from './tensors.js';
import { ALL, INDICES } from './types.js';

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
  types: { T: ALL },
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

export const Gather = defineOp({
  name: 'Gather',
  since: [1, 11, 13],
  doc: 'Entries of one axis by their indices. x: D1..Dn. indices: any shape, which replaces the axis in y.',
  inputs: { x: 'T', indices: 'I' },
  outputs: { y: 'T' },
  types: { T: ALL, I: INDICES },
  attrs: { axis: attr.int(0) },
  infer({ in: { x, indices }, attr }) {
    const [input, places] = [shapeOf(x), shapeOf(indices)];
    if (!input || !places) return { y: like(x, undefined) };
    const axis = axisOf(attr.axis, input.length);
    return { y: like(x, [...input.slice(0, axis), ...places, ...input.slice(axis + 1)]) };
  },
  data({ in: { x, indices }, ints }) {
    const held = rankOf(x) === 1 ? ints(x) : undefined;
    const at = numbersOf(ints(indices));
    return held && at?.map((i) => held[i < 0 ? i + held.length : i]);
  },
});
