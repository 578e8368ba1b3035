import { attr, defineOp } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { numbersOf, vectorOf } from './ints.js';
import { addDims, axisOf, like, rankOf, shapeError, shapeOf, shapeText } from './tensors.js';
import { ALL, CLASSIC, CLASSIC_BEFORE_BFLOAT, FLOATS_BEFORE_BFLOAT, INDICES, INT64 } from './types.js';

/** The range that Slice takes along one axis; unknown entries are undefined or a name. */
export interface SliceRange {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: Dim;
}

/** The first element taken, and the number of elements. */
export function sliceRange(size: number, start: number, end: number, step: number): { first: number; count: number } {
  if (step === 0) throw shapeError('a slice with a step of 0');
  const clamp = (i: number): number => {
    const at = i < 0 ? i + size : i;
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1);
  };
  const first = clamp(start);
  return { first, count: Math.max(0, Math.ceil((clamp(end) - first) / step)) };
}

function slicedSize(size: Dim, { start, end, step }: SliceRange): Dim {
  if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') {
    return start === 0 && end === size && step === 1 ? size : undefined;
  }
  if (typeof size === 'number') return sliceRange(size, start, end, step).count;
  const whole = step === 1 && start === 0 && end >= 2 ** 31 - 1;
  return whole ? size : undefined;
}

function sliced(input: Shape | undefined, ranges: readonly SliceRange[]): Shape | undefined {
  if (!input) return undefined;
  const out = [...input];
  for (const range of ranges) {
    const axis = axisOf(range.axis, input.length);
    out[axis] = slicedSize(out[axis], range);
  }
  return out;
}

export const Slice = defineOp({
  name: 'Slice',
  since: [10, 11, 13],
  doc: 'The elements from start up to, not including, end, by step, on some axes. x, y: the same rank. starts, ends, axes, steps: K.',
  inputs: { x: 'T', starts: 'I', ends: 'I', axes: 'I?', steps: 'I?' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INDICES },
  attrs: {},
  infer({ in: { x, starts, ends, axes, steps }, ints }) {
    const input = shapeOf(x);
    const [start, end, axis, step] = [
      vectorOf(starts, ints),
      vectorOf(ends, ints),
      axes ? numbersOf(ints(axes)) : undefined,
      steps ? vectorOf(steps, ints) : undefined,
    ];
    if (!input || !start || (axes && !axis) || (steps && !step))
      return {
        y: like(
          x,
          input?.map(() => undefined),
        ),
      };
    const ranges = start.map((s, i) => ({
      axis: axis ? (axis[i] ?? 0) : i,
      start: s,
      end: end?.[i],
      step: step ? step[i] : 1,
    }));
    return { y: like(x, sliced(input, ranges)) };
  },
  data({ in: { x, starts, ends, steps }, ints }) {
    const held = rankOf(x) === 1 ? ints(x) : undefined;
    const [start, end, step] = [ints(starts)?.[0], ints(ends)?.[0], steps ? ints(steps)?.[0] : 1];
    if (!held || typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return undefined;
    return take(held, start, end, step);
  },
});

function take(held: readonly Dim[], start: number, end: number, step: number): readonly Dim[] {
  const { first, count } = sliceRange(held.length, start, end, step);
  return Array.from({ length: count }, (_, i) => held[first + i * step]);
}

export const Slice1 = defineOp({
  name: 'Slice',
  since: [1],
  until: 10,
  doc: 'Slice with its ranges as attributes. x, y: the same rank.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC_BEFORE_BFLOAT },
  attrs: { axes: attr.ints(), starts: attr.requiredInts(), ends: attr.requiredInts() },
  infer({ in: { x }, attr: { axes, starts, ends } }) {
    const ranges = starts.map((start, i) => ({ axis: axes?.[i] ?? i, start, end: ends[i], step: 1 }));
    return { y: like(x, sliced(shapeOf(x), ranges)) };
  },
  data({ in: { x }, attr, ints }) {
    const held = rankOf(x) === 1 ? ints(x) : undefined;
    const [start, end] = [attr.starts[0], attr.ends[0]];
    return held && start !== undefined && end !== undefined ? take(held, start, end, 1) : undefined;
  },
});

/** The types of the parts along the axis; sizes that are not known are undefined. Throws `graph/shape` when they do not add up. */
function splitTypes(
  x: Parameters<typeof like>[0],
  at: number,
  outputs: number,
  sizes: readonly Dim[] | undefined,
  unequal: boolean,
) {
  const input = shapeOf(x);
  if (!input) return Array.from({ length: outputs }, () => like(x, undefined));
  const axis = axisOf(at, input.length);
  const whole = input[axis];
  const parts = sizes ?? equalParts(whole, outputs, unequal);
  if (parts.length !== outputs)
    throw shapeError(`${parts.length} sizes ${shapeText(parts)} for ${outputs} outputs`, 'one size for each output');
  const sum = parts.reduce<Dim>(addDims, 0);
  if (typeof sum === 'number' && typeof whole === 'number' && sum !== whole)
    throw shapeError(`the parts ${shapeText(parts)} add up to ${sum}; axis ${axis} has ${whole}`);
  return parts.map((size) => like(x, input.with(axis, size)));
}

function equalParts(whole: Dim, count: number, unequal: boolean): readonly Dim[] {
  if (typeof whole !== 'number') return Array.from({ length: count }, () => (count === 1 ? whole : undefined));
  if (whole % count !== 0 && !unequal)
    throw shapeError(`a size of ${whole} cannot be split into ${count} equal parts`, 'the sizes, given by split');
  const size = Math.ceil(whole / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, whole - i * size)));
}

export const Split = defineOp({
  name: 'Split',
  since: [18],
  doc: 'Parts of x along one axis: of the given sizes, or num_outputs of one size (the last may be smaller). x: D1..Dn. split: K.',
  inputs: { x: 'T', split: 'I?' },
  outputs: { ys: 'T*' },
  types: { T: CLASSIC, I: INT64 },
  attrs: { axis: attr.int(0), num_outputs: attr.int() },
  infer({ in: { x, split }, attr, node, ints }) {
    const count = node.outputs.length;
    const sizes = split ? (vectorOf(split, ints) ?? Array.from({ length: count }, (): Dim => undefined)) : undefined;
    return { ys: splitTypes(x, attr.axis, count, sizes, true) };
  },
});

export const Split13 = defineOp({
  name: 'Split',
  since: [13],
  until: 18,
  doc: 'Parts of x along one axis, equal unless their sizes are given. x: D1..Dn. split: K.',
  inputs: { x: 'T', split: 'I?' },
  outputs: { ys: 'T*' },
  types: { T: CLASSIC, I: INT64 },
  attrs: { axis: attr.int(0) },
  infer({ in: { x, split }, attr, node, ints }) {
    const count = node.outputs.length;
    const sizes = split ? (vectorOf(split, ints) ?? Array.from({ length: count }, (): Dim => undefined)) : undefined;
    return { ys: splitTypes(x, attr.axis, count, sizes, false) };
  },
});

export const Split2 = defineOp({
  name: 'Split',
  since: [2, 11],
  until: 13,
  doc: 'Split with the sizes as an attribute. x: D1..Dn.',
  inputs: { x: 'T' },
  outputs: { ys: 'T*' },
  types: { T: CLASSIC_BEFORE_BFLOAT },
  attrs: { axis: attr.int(0), split: attr.ints() },
  infer: ({ in: { x }, attr, node }) => ({
    ys: splitTypes(x, attr.axis, node.outputs.length, attr.split, false),
  }),
});

/** The input's shape with amounts added before and behind each axis; negative ones crop. */
function padded(input: Shape, begin: readonly Dim[], end: readonly Dim[]): Shape {
  return input.map((size, i) => {
    const out = addDims(addDims(size, begin[i]), end[i]);
    if (typeof out === 'number' && out < 0)
      throw shapeError(
        `pads of ${String(begin[i])} and ${String(end[i])} crop axis ${i} of size ${String(size)} to ${out}`,
      );
    return out;
  });
}

export const Pad = defineOp({
  name: 'Pad',
  since: [11, 13, 18, 19, 21, 23, 24, 25],
  doc: 'Adds (or, where negative, crops) elements before and behind axes. x: D1..Dn. pads: begins, then ends, of all axes or of `axes`. value: scalar.',
  inputs: { x: 'T', pads: 'I', value: 'T?', axes: 'A?' },
  outputs: { y: 'T' },
  types: { T: ALL, I: INT64, A: INDICES },
  attrs: { mode: attr.oneOf('constant', 'reflect', 'edge', 'wrap') },
  infer({ in: { x, pads, axes }, ints }) {
    const input = shapeOf(x);
    if (!input) return { y: like(x, undefined) };
    const amounts = vectorOf(pads, ints);
    const at = axes ? numbersOf(ints(axes))?.map((a) => axisOf(a, input.length)) : input.map((_, i) => i);
    if (!amounts || !at)
      return {
        y: like(
          x,
          input.map(() => undefined),
        ),
      };
    if (amounts.length !== 2 * at.length)
      throw shapeError(`pads has ${amounts.length} entries; ${2 * at.length} are needed for ${at.length} axes`);
    const begin = input.map((): Dim => 0);
    const end = input.map((): Dim => 0);
    at.forEach((axis, i) => {
      begin[axis] = amounts[i];
      end[axis] = amounts[at.length + i];
    });
    return { y: like(x, padded(input, begin, end)) };
  },
});

export const Pad2 = defineOp({
  name: 'Pad',
  since: [2],
  until: 11,
  doc: 'Pad with amounts and value as attributes. x: D1..Dn.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS_BEFORE_BFLOAT },
  attrs: { mode: attr.oneOf('constant', 'reflect', 'edge'), pads: attr.requiredInts(), value: attr.float(0) },
  infer({ in: { x }, attr: { pads } }) {
    const input = shapeOf(x);
    if (!input) return { y: like(x, undefined) };
    if (pads.length !== 2 * input.length)
      throw shapeError(`pads has ${pads.length} entries; ${2 * input.length} are needed for rank ${input.length}`);
    return { y: like(x, padded(input, pads.slice(0, input.length), pads.slice(input.length))) };
  },
});
