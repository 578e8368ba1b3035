import { added, attr, defineOp } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { numbersOf, vectorOf } from './ints.js';
import { axisOf, like, productOf, rankOf, shapeError, shapeOf, shapeText, typed } from './tensors.js';
import { ALL, CLASSIC_BEFORE_BFLOAT, INT64 } from './types.js';

export const ShapeOp = defineOp({
  name: 'Shape',
  since: [1, 13, 15, 19, 21, 23, 24, 25],
  doc: 'The sizes of the axes from `start` up to, not including, `end`. x: of any shape. y: R.',
  inputs: { x: 'T' },
  outputs: { y: 'I' },
  types: { T: ALL, I: INT64 },
  attrs: { start: added(15, attr.int(0)), end: added(15, attr.int()) },
  infer: ({ in: { x }, attr }) => ({
    y: typed('int64', [shapeOf(x)?.slice(attr.start, attr.end).length]),
  }),
  data: ({ in: { x }, attr }) => shapeOf(x)?.slice(attr.start, attr.end),
});

/** The shape of Reshape: 0 keeps the input's size (unless allowzero), one -1 takes what is left. Throws `graph/shape`. */
export function reshaped(input: Shape | undefined, wanted: Shape, allowZero: boolean): Shape {
  if (wanted.filter((d) => d === -1).length > 1)
    throw shapeError(`the shape ${shapeText(wanted)} has more than one -1`, 'one -1 at most');
  const out = wanted.map((d, i): Dim => {
    if (d !== 0 || allowZero) return d;
    if (input && i >= input.length)
      throw shapeError(`the shape ${shapeText(wanted)} copies axis ${i} of ${shapeText(input)}, which has none`);
    return input?.[i];
  });
  const hole = out.indexOf(-1);
  if (!input) return hole < 0 ? out : out.with(hole, undefined);
  const others = hole < 0 ? out : out.toSpliced(hole, 1);
  const left = quotient(input, others);
  // A size that has a name may fit.
  const misfit = typeof left === 'number' && (hole < 0 ? left !== 1 : !Number.isInteger(left));
  if (misfit && !(productOf(input) === 0 && productOf(others) === 0))
    throw shapeError(
      `${shapeText(input)} cannot be reshaped to ${shapeText(wanted)}: ` +
        `${String(productOf(input) ?? '?')} elements, ${String(productOf(others) ?? '?')} ${hole < 0 ? 'asked for' : 'to be divided by'}`,
      'a shape with as many elements, or -1 in the place of one size',
    );
  return hole < 0 ? out : out.with(hole, productOf(input) === 0 && productOf(others) === 0 ? undefined : left);
}

/** product(a) / product(b), with names that both have cancelled; a name when only that remains; undefined when it is not known. */
function quotient(a: Shape, b: Shape): Dim {
  if (a.includes(undefined) || b.includes(undefined)) return undefined;
  const names = a.filter((d) => typeof d === 'string');
  let [over, under] = [1, 1];
  for (const d of a) if (typeof d === 'number') over *= d;
  for (const d of b) {
    if (typeof d === 'number') under *= d;
    else if (typeof d === 'string') {
      const at = names.indexOf(d);
      if (at < 0) return undefined;
      names.splice(at, 1);
    }
  }
  if (names.length === 0) return over / under;
  return names.length === 1 && over === under ? names[0] : undefined;
}

export const Reshape = defineOp({
  name: 'Reshape',
  since: [5, 13, 14, 19, 21, 23, 24, 25],
  doc: 'The same elements in another shape. x, y: equal element counts. shape: R integers; 0 keeps a size, one -1 is inferred.',
  inputs: { x: 'T', shape: 'I' },
  outputs: { y: 'T' },
  types: { T: ALL, I: INT64 },
  attrs: { allowzero: added(14, attr.int(0)) },
  infer({ in: { x, shape }, attr, ints }) {
    const wanted = vectorOf(shape, ints);
    return { y: like(x, wanted && reshaped(shapeOf(x), wanted, attr.allowzero !== 0)) };
  },
  data: ({ in: { x }, ints }) => ints(x),
});

export const Flatten = defineOp({
  name: 'Flatten',
  since: [1, 9, 11, 13, 21, 23, 24, 25],
  doc: 'A matrix: the axes before `axis` make the rows, the others the columns. x: D1..Dn. y: D1*..,..*Dn.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: ALL },
  attrs: { axis: attr.int(1) },
  infer({ in: { x }, attr }) {
    const input = shapeOf(x);
    if (!input) return { y: like(x, [undefined, undefined]) };
    const axis = attr.axis === input.length ? attr.axis : axisOf(attr.axis, input.length);
    return { y: like(x, [productOf(input.slice(0, axis)), productOf(input.slice(axis))]) };
  },
});

/** The axes, sorted and counted from the front; undefined when they are not known. */
export function normalAxes(axes: readonly number[], rank: number): readonly number[] {
  const at = axes.map((a) => axisOf(a, rank));
  if (new Set(at).size !== at.length) throw shapeError(`axes ${shapeText(axes)} name one axis twice`);
  return at.sort((a, b) => a - b);
}

/** The shape without the given axes, or without every axis of size 1. Throws `graph/shape` when one of them has another size. */
function squeezed(input: Shape | undefined, axes: readonly number[] | undefined): Shape | undefined {
  if (!input) return undefined;
  if (!axes) return input.every((d) => typeof d === 'number') ? input.filter((d) => d !== 1) : undefined;
  const at = normalAxes(axes, input.length);
  for (const a of at) {
    const d = input[a];
    if (typeof d === 'number' && d !== 1)
      throw shapeError(`axis ${a} of ${shapeText(input)} cannot be squeezed: its size is ${d}`, 'axes of size 1');
  }
  return input.filter((_, i) => !at.includes(i));
}

function unsqueezed(input: Shape | undefined, axes: readonly number[]): Shape | undefined {
  if (!input) return undefined;
  const at = normalAxes(axes, input.length + axes.length);
  const out: Dim[] = [...input];
  for (const a of at) out.splice(a, 0, 1);
  return out;
}

export const Squeeze = defineOp({
  name: 'Squeeze',
  since: [13, 21, 23, 24, 25],
  doc: 'Removes axes of size 1: those listed, or all. x, y: the same elements. axes: integers.',
  inputs: { x: 'T', axes: 'I?' },
  outputs: { y: 'T' },
  types: { T: ALL, I: INT64 },
  attrs: {},
  infer({ in: { x, axes }, ints }) {
    const known = numbersOf(ints(axes));
    if (!axes || known) return { y: like(x, squeezed(shapeOf(x), known)) };
    const [rank, dropped] = [rankOf(x), vectorOf(axes, ints)?.length];
    if (rank === undefined || dropped === undefined) return { y: like(x, undefined) };
    return {
      y: like(
        x,
        Array.from({ length: Math.max(0, rank - dropped) }, (): Dim => undefined),
      ),
    };
  },
  data: ({ in: { x }, ints }) => ints(x),
});

export const Squeeze1 = defineOp({
  name: 'Squeeze',
  since: [1, 11],
  until: 13,
  doc: 'Squeeze with its axes as an attribute. x, y: the same elements.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC_BEFORE_BFLOAT },
  attrs: { axes: attr.ints() },
  infer: ({ in: { x }, attr }) => ({ y: like(x, squeezed(shapeOf(x), attr.axes)) }),
  data: ({ in: { x }, ints }) => ints(x),
});

export const Unsqueeze = defineOp({
  name: 'Unsqueeze',
  since: [13, 21, 23, 24, 25],
  doc: 'Inserts axes of size 1, at these positions of the result. x, y: the same elements. axes: integers.',
  inputs: { x: 'T', axes: 'I' },
  outputs: { y: 'T' },
  types: { T: ALL, I: INT64 },
  attrs: {},
  infer({ in: { x, axes }, ints }) {
    const known = numbersOf(ints(axes));
    if (known) return { y: like(x, unsqueezed(shapeOf(x), known)) };
    const [rank, added] = [rankOf(x), vectorOf(axes, ints)?.length];
    if (rank === undefined || added === undefined) return { y: like(x, undefined) };
    return {
      y: like(
        x,
        Array.from({ length: rank + added }, (): Dim => undefined),
      ),
    };
  },
  data: ({ in: { x }, ints }) => ints(x),
});

export const Unsqueeze1 = defineOp({
  name: 'Unsqueeze',
  since: [1, 11],
  until: 13,
  doc: 'Unsqueeze with its axes as an attribute. x, y: the same elements.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC_BEFORE_BFLOAT },
  attrs: { axes: attr.requiredInts() },
  infer: ({ in: { x }, attr }) => ({ y: like(x, unsqueezed(shapeOf(x), attr.axes)) }),
  data: ({ in: { x }, ints }) => ints(x),
});
