import { added, attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import { axisOf, like, rankOf, same, shapeError, shapeOf, shapeText, typed } from './tensors.js';
import { numbersOf, vectorOf } from './ints.js';
import { BOOL, CLASSIC, CLASSIC_BEFORE_BFLOAT, FLOATS_BEFORE_BFLOAT, INDICES, INT64, NUMERIC, WIDE } from './types.js';

export const Gather = defineOp({
  name: 'Gather',
  since: [1, 11, 13],
  doc: 'Entries of one axis by their indices. x: D1..Dn. indices: of any shape, which replaces the axis in y.',
  inputs: { x: 'T', indices: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INDICES },
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

export const GatherElements = defineOp({
  name: 'GatherElements',
  since: [11, 13],
  doc: 'For each place of indices, the element of x with that index along the axis. x: rank R. indices, y: one shape of rank R.',
  inputs: { x: 'T', indices: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INDICES },
  attrs: { axis: attr.int(0) },
  infer({ in: { x, indices }, attr }) {
    const input = shapeOf(x);
    if (input) axisOf(attr.axis, input.length);
    return { y: like(x, shapeOf(indices)) };
  },
});

export const GatherND = defineOp({
  name: 'GatherND',
  since: [11, 12, 13],
  doc: 'Slices of x by tuples of indices. x: B1..Bb,D1..Dn. indices: B1..Bb,..,K. y: indices without K, then what K indices leave of x.',
  inputs: { x: 'T', indices: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INT64 },
  attrs: { batch_dims: added(12, attr.int(0)) },
  infer({ in: { x, indices }, attr }) {
    const [input, places] = [shapeOf(x), shapeOf(indices)];
    const depth = places?.at(-1);
    if (!input || !places || typeof depth !== 'number') return { y: like(x, undefined) };
    const fixed = attr.batch_dims + depth;
    if (fixed > input.length)
      throw shapeError(
        `indices ${shapeText(places)} hold tuples of ${depth}; ${shapeText(input)} has ${input.length - attr.batch_dims} axes to index`,
      );
    return { y: like(x, [...places.slice(0, -1), ...input.slice(fixed)]) };
  },
});

const scatter = {
  outputs: { y: 'T' },
  inputs: { x: 'T', indices: 'I', updates: 'T' },
  infer: ({ in: { x } }: { readonly in: { readonly x: Value } }) => ({ y: same(x) }),
} as const;

export const Scatter = defineOp({
  ...scatter,
  name: 'Scatter',
  since: [9],
  until: 11,
  doc: 'ScatterElements under its earlier name. x, y: of any shape. indices, updates: one shape of the same rank.',
  types: { T: CLASSIC_BEFORE_BFLOAT, I: INDICES },
  attrs: { axis: attr.int(0) },
});

export const ScatterElements = defineOp({
  ...scatter,
  name: 'ScatterElements',
  since: [11, 13, 16, 18],
  doc: 'x with single elements replaced by, or combined with, updates. x, y: of any shape. indices, updates: one shape of the same rank.',
  types: { T: CLASSIC, I: INDICES },
  attrs: { axis: attr.int(0), reduction: added(16, attr.oneOf('none', 'add', 'mul', 'max', 'min')) },
});

export const ScatterND = defineOp({
  ...scatter,
  name: 'ScatterND',
  since: [11, 13, 16, 18],
  doc: 'x with slices replaced by, or combined with, updates. x, y: D1..Dn. indices: ..,K. updates: .., then what K indices leave of x.',
  types: { T: CLASSIC, I: INT64 },
  attrs: { reduction: added(16, attr.oneOf('none', 'add', 'mul', 'max', 'min')) },
});

export const Compress = defineOp({
  name: 'Compress',
  since: [9, 11, 28],
  doc: 'The entries of an axis (of all elements without one) whose condition holds. x: D1..Dn. condition: K.',
  inputs: { x: 'T', condition: 'B' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, B: BOOL },
  attrs: { axis: attr.int() },
  infer({ in: { x }, attr }) {
    const input = shapeOf(x);
    if (attr.axis === undefined) return { y: like(x, [undefined]) };
    return { y: like(x, input?.with(axisOf(attr.axis, input.length), undefined)) };
  },
});

export const ReverseSequence = defineOp({
  name: 'ReverseSequence',
  since: [10, 28],
  doc: 'The first sequence_lens[n] entries of each batch entry, in reversed order. x, y: of any shape. sequence_lens: N.',
  inputs: { x: 'T', sequence_lens: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INT64 },
  attrs: { batch_axis: attr.int(1), time_axis: attr.int(0) },
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

const extreme = (name: string, doc: string) =>
  defineOp({
    name,
    since: [1, 11, 12, 13],
    doc: `${doc} along one axis. x: D1..Dn. y: that axis 1 (keepdims) or gone.`,
    inputs: { x: 'T' },
    outputs: { y: 'I' },
    types: { T: NUMERIC, I: INT64 },
    attrs: { axis: attr.int(0), keepdims: attr.int(1), select_last_index: added(12, attr.int(0)) },
    infer({ in: { x }, attr }) {
      const input = shapeOf(x);
      if (!input) return { y: typed('int64', undefined) };
      const axis = axisOf(attr.axis, input.length);
      return { y: typed('int64', attr.keepdims === 0 ? input.toSpliced(axis, 1) : input.with(axis, 1)) };
    },
  });

export const ArgMax = extreme('ArgMax', 'The index of the largest element');
export const ArgMin = extreme('ArgMin', 'The index of the smallest element');

export const TopK = defineOp({
  name: 'TopK',
  since: [10, 11, 24],
  doc: 'The k largest or smallest elements along one axis, and their indices. x: D1..Dn. k: 1. values, indices: that axis k.',
  inputs: { x: 'T', k: 'I' },
  outputs: { values: 'T', indices: 'I' },
  types: { T: NUMERIC, I: INT64 },
  attrs: { axis: attr.int(-1), largest: added(11, attr.int(1)), sorted: added(11, attr.int(1)) },
  infer({ in: { x, k }, attr, ints }) {
    const input = shapeOf(x);
    const shape = input?.with(axisOf(attr.axis, input.length), vectorOf(k, ints)?.[0]);
    return { values: like(x, shape), indices: typed('int64', shape) };
  },
});

export const TopK1 = defineOp({
  name: 'TopK',
  since: [1],
  until: 10,
  doc: 'TopK with k as an attribute. x: D1..Dn. values, indices: that axis k.',
  inputs: { x: 'T' },
  outputs: { values: 'T', indices: 'I' },
  types: { T: FLOATS_BEFORE_BFLOAT, I: INT64 },
  attrs: { axis: attr.int(-1), k: attr.requiredInt() },
  infer({ in: { x }, attr }) {
    const input = shapeOf(x);
    const shape = input?.with(axisOf(attr.axis, input.length), attr.k);
    return { values: like(x, shape), indices: typed('int64', shape) };
  },
});

const cumulative = (name: string, since: readonly number[], doc: string) =>
  defineOp({
    name,
    since,
    doc: `${doc} along one axis. x, y: of any shape. axis: scalar.`,
    inputs: { x: 'T', axis: 'I' },
    outputs: { y: 'T' },
    types: { T: WIDE, I: INDICES },
    attrs: { exclusive: attr.int(0), reverse: attr.int(0) },
    infer: ({ in: { x } }) => ({ y: same(x) }),
  });

export const CumProd = cumulative('CumProd', [26], 'The product of all elements up to each');
export const CumSum = cumulative('CumSum', [11, 14], 'The sum of all elements up to each');
