import { attr, defineOp } from '../graph/op-def.js';
import type { Shape } from '../graph/types.js';
import type { DType } from '../tensor/dtype.js';
import { numbersOf } from './ints.js';
import { normalAxes } from './shape.js';
import { like, shapeOf } from './tensors.js';
import { INT64, WIDE, WIDE_BEFORE_BFLOAT } from './types.js';

/** The shape after a reduction over `axes` (all of them when there are none). */
export function reduced(input: Shape | undefined, axes: readonly number[], keep: boolean): Shape | undefined {
  if (!input) return axes.length === 0 && !keep ? [] : undefined;
  const at = new Set(axes.length === 0 ? input.keys() : normalAxes(axes, input.length));
  return keep ? input.map((d, i) => (at.has(i) ? 1 : d)) : input.filter((_, i) => !at.has(i));
}

const BYTES_AND_WIDE: readonly DType[] = [...WIDE, 'int8', 'uint8'];

interface Declared {
  readonly name: string;
  readonly since: readonly number[];
  readonly doc: string;
  readonly types?: readonly DType[];
}

const reduction = ({ name, since, doc, types = WIDE }: Declared) =>
  defineOp({
    name,
    since,
    doc: `${doc}, over the listed axes, or all. x: D1..Dn. axes: K. y: those axes 1 (keepdims) or gone.`,
    inputs: { x: 'T', axes: 'I?' },
    outputs: { y: 'T' },
    types: { T: types, I: INT64 },
    attrs: { keepdims: attr.int(1), noop_with_empty_axes: attr.int(0) },
    infer({ in: { x, axes }, attr, ints }) {
      const input = shapeOf(x);
      const at = axes ? numbersOf(ints(axes)) : [];
      const keep = attr.keepdims !== 0;
      if (!at) return { y: like(x, keep ? input?.map(() => undefined) : undefined) };
      if (at.length === 0 && attr.noop_with_empty_axes !== 0) return { y: like(x, input) };
      return { y: like(x, reduced(input, at, keep)) };
    },
  });

const oldReduction = (d: Declared & { readonly until: number }) =>
  defineOp({
    name: d.name,
    since: d.since,
    until: d.until,
    doc: `${d.doc}, with the axes as an attribute. x: D1..Dn. y: those axes 1 (keepdims) or gone.`,
    inputs: { x: 'T' },
    outputs: { y: 'T' },
    types: { T: d.types ?? WIDE },
    attrs: { axes: attr.ints(), keepdims: attr.int(1) },
    infer: ({ in: { x }, attr }) => ({ y: like(x, reduced(shapeOf(x), attr.axes ?? [], attr.keepdims !== 0)) }),
  });

export const ReduceL1 = reduction({ name: 'ReduceL1', since: [18], doc: 'The sum of magnitudes' });
export const ReduceL11 = oldReduction({
  name: 'ReduceL1',
  since: [1, 11, 13],
  until: 18,
  doc: 'The sum of magnitudes',
});
export const ReduceL2 = reduction({ name: 'ReduceL2', since: [18], doc: 'The root of the sum of squares' });
export const ReduceL21 = oldReduction({
  name: 'ReduceL2',
  since: [1, 11, 13],
  until: 18,
  doc: 'The root of the sum of squares',
});
export const ReduceLogSum = reduction({ name: 'ReduceLogSum', since: [18, 28], doc: 'The logarithm of the sum' });
export const ReduceLogSum1 = oldReduction({
  name: 'ReduceLogSum',
  since: [1, 11, 13],
  until: 18,
  doc: 'The logarithm of the sum',
});
export const ReduceLogSumExp = reduction({ name: 'ReduceLogSumExp', since: [18, 28], doc: 'log(sum(exp(x)))' });
export const ReduceLogSumExp1 = oldReduction({
  name: 'ReduceLogSumExp',
  since: [1, 11, 13],
  until: 18,
  doc: 'log(sum(exp(x)))',
});
export const ReduceMax = reduction({
  name: 'ReduceMax',
  since: [18, 20],
  doc: 'The largest element',
  types: [...BYTES_AND_WIDE, 'bool'],
});
export const ReduceMax1 = oldReduction({
  name: 'ReduceMax',
  since: [1, 11, 12, 13],
  until: 18,
  doc: 'The largest element',
  types: BYTES_AND_WIDE,
});
export const ReduceMean = reduction({ name: 'ReduceMean', since: [18], doc: 'The mean' });
export const ReduceMean1 = oldReduction({ name: 'ReduceMean', since: [1, 11, 13], until: 18, doc: 'The mean' });
export const ReduceMin = reduction({
  name: 'ReduceMin',
  since: [18, 20],
  doc: 'The smallest element',
  types: [...BYTES_AND_WIDE, 'bool'],
});
export const ReduceMin1 = oldReduction({
  name: 'ReduceMin',
  since: [1, 11, 12, 13],
  until: 18,
  doc: 'The smallest element',
  types: BYTES_AND_WIDE,
});
export const ReduceProd = reduction({ name: 'ReduceProd', since: [18], doc: 'The product' });
export const ReduceProd1 = oldReduction({ name: 'ReduceProd', since: [1, 11, 13], until: 18, doc: 'The product' });
export const ReduceSum = reduction({ name: 'ReduceSum', since: [13], doc: 'The sum' });
export const ReduceSum1 = oldReduction({
  name: 'ReduceSum',
  since: [1, 11],
  until: 13,
  doc: 'The sum',
  types: WIDE_BEFORE_BFLOAT,
});
export const ReduceSumSquare = reduction({ name: 'ReduceSumSquare', since: [18], doc: 'The sum of squares' });
export const ReduceSumSquare1 = oldReduction({
  name: 'ReduceSumSquare',
  since: [1, 11, 13],
  until: 18,
  doc: 'The sum of squares',
});

/** Those that take their axes as an input, and those that have them as an attribute. */
export const REDUCTIONS = [
  ReduceL1,
  ReduceL2,
  ReduceLogSum,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  ReduceSumSquare,
] as const;
export const OLD_REDUCTIONS = [
  ReduceL11,
  ReduceL21,
  ReduceLogSum1,
  ReduceLogSumExp1,
  ReduceMax1,
  ReduceMean1,
  ReduceMin1,
  ReduceProd1,
  ReduceSum1,
  ReduceSumSquare1,
] as const;
