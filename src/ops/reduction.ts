import { attr, defineOp } from '../graph/op-def.js';
import type { Shape } from '../graph/types.js';
import type { DType } from '../tensor/dtype.js';
import { numbersOf } from './ints.js';
import { normalAxes } from './shape.js';
import { like, shapeOf } from './tensors.js';
import { INT64, NUMERIC } from './types.js';

/** The shape after a reduction over `axes` (all of them when there are none). */
export function reduced(input: Shape | undefined, axes: readonly number[], keep: boolean): Shape | undefined {
  if (!input) return axes.length === 0 && !keep ? [] : undefined;
  const at = new Set(axes.length === 0 ? input.keys() : normalAxes(axes, input.length));
  return keep ? input.map((d, i) => (at.has(i) ? 1 : d)) : input.filter((_, i) => !at.has(i));
}

interface Declared {
  readonly name: string;
  readonly since: readonly number[];
  readonly doc: string;
  readonly types?: readonly DType[];
}

const reduction = ({ name, since, doc, types = NUMERIC }: Declared) =>
  defineOp({
    name,
    since,
    doc: `${doc}, over the axes named, or all. x: D1..Dn. axes: K. y: those axes 1 (keepdims) or gone.`,
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
    types: { T: d.types ?? NUMERIC },
    attrs: { axes: attr.ints(), keepdims: attr.int(1) },
    infer: ({ in: { x }, attr }) => ({ y: like(x, reduced(shapeOf(x), attr.axes ?? [], attr.keepdims !== 0)) }),
  });

export const ReduceMean = reduction({ name: 'ReduceMean', since: [18], doc: 'The mean' });
export const ReduceMean1 = oldReduction({ name: 'ReduceMean', since: [1, 11, 13], until: 18, doc: 'The mean' });
