import { added, attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import type { Dim, Shape } from '../graph/types.js';
import { asFloat64, isNumeric } from '../tensor/tensor.js';
import { constantOf } from './constants.js';
import { type Ints, vectorOf } from './ints.js';
import { axisOf, like, shapeError, shapeOf, shapeText } from './tensors.js';
import { CLASSIC, CLASSIC_BEFORE_BFLOAT, FLOATS_BEFORE_BFLOAT, INT64 } from './types.js';

const floatsOf = (value: Value | undefined): readonly number[] | undefined => {
  const held = constantOf(value);
  return held && isNumeric(held.dtype) ? Array.from(asFloat64(held)) : undefined;
};

/** floor(size * scale) on each axis. Throws `graph/shape` unless there is one scale for each. */
function scaled(input: Shape, scales: readonly number[] | undefined): Shape {
  if (!scales) return input.map(() => undefined);
  if (scales.length !== input.length)
    throw shapeError(
      `${scales.length} scales for the ${input.length} axes of ${shapeText(input)}`,
      'one scale for each axis',
    );
  return input.map((d, i) => scaledSize(d, scales[i] ?? 1));
}

const scaledSize = (size: Dim, scale: number): Dim => {
  if (typeof size === 'number') return Math.floor(size * scale);
  return scale === 1 ? size : undefined;
};

interface ResizeArgs {
  readonly in: {
    readonly x: Value;
    readonly roi: Value | undefined;
    readonly scales: Value | undefined;
    readonly sizes: Value | undefined;
  };
  readonly attr: {
    readonly axes: readonly number[] | undefined;
    readonly coordinate_transformation_mode: string;
    readonly keep_aspect_ratio_policy: string;
  };
  readonly ints: Ints;
}

function resizedShape({ in: { x, roi, scales, sizes }, attr, ints }: ResizeArgs): Shape | undefined {
  const input = shapeOf(x);
  if (!input) return undefined;
  const axes = attr.axes?.map((a) => axisOf(a, input.length)) ?? input.map((_, i) => i);
  // Exporters write an empty tensor for a scale that is not given.
  const isGiven = (v: Value | undefined): v is Value => v !== undefined && shapeOf(v)?.[0] !== 0;
  if (isGiven(sizes)) return sized(input, axes, vectorOf(sizes, ints), attr.keep_aspect_ratio_policy);
  const factors = isGiven(scales) ? floatsOf(scales) : undefined;
  if (!factors) return input.map((d, i) => (axes.includes(i) ? undefined : d));
  if (factors.length !== axes.length)
    throw shapeError(
      `${factors.length} scales for ${axes.length} axes of ${shapeText(input)}`,
      'one scale for each axis',
    );
  const crop = attr.coordinate_transformation_mode === 'tf_crop_and_resize' ? floatsOf(roi) : undefined;
  if (!crop && attr.coordinate_transformation_mode === 'tf_crop_and_resize') return input.map(() => undefined);
  const out = [...input];
  axes.forEach((axis, i) => {
    const part = crop ? (crop[axes.length + i] ?? 1) - (crop[i] ?? 0) : 1;
    out[axis] = scaledSize(input[axis], (factors[i] ?? 1) * part);
  });
  return out;
}

function sized(input: Shape, axes: readonly number[], sizes: readonly Dim[] | undefined, policy: string): Shape {
  const out = [...input];
  const known = axes.map((axis, i): [Dim, Dim] => [input[axis], sizes?.[i]]);
  const ratios = known.map(([d, s]) => (typeof d === 'number' && typeof s === 'number' ? s / d : undefined));
  const all = ratios.filter((r) => r !== undefined);
  const keep = policy !== 'stretch';
  const extreme = policy === 'not_larger' ? Math.min : Math.max;
  const ratio = all.reduce((a, b) => extreme(a, b), all[0] ?? 1);
  known.forEach(([d, s], i) => {
    const axis = axes[i];
    if (axis === undefined) return;
    if (!keep) out[axis] = s;
    else out[axis] = typeof d === 'number' && all.length === axes.length ? Math.floor(ratio * d + 0.5) : undefined;
  });
  return out;
}

export const Resize = defineOp({
  name: 'Resize',
  since: [11, 13, 18, 19],
  doc: 'x resampled by scales or to sizes, on all axes or on some. x: D1..Dn. roi: 2K. scales, sizes: K. y: floor(D * scale) or the sizes.',
  inputs: { x: 'T', roi: 'R?', scales: 'F?', sizes: 'I?' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, R: FLOATS_BEFORE_BFLOAT, F: ['float32'], I: INT64 },
  attrs: {
    antialias: added(18, attr.int(0)),
    axes: added(18, attr.ints()),
    coordinate_transformation_mode: attr.string('half_pixel'),
    cubic_coeff_a: attr.float(-0.75),
    exclude_outside: attr.int(0),
    extrapolation_value: attr.float(0),
    keep_aspect_ratio_policy: added(18, attr.oneOf('stretch', 'not_larger', 'not_smaller')),
    mode: attr.oneOf('nearest', 'linear', 'cubic'),
    nearest_mode: attr.string('round_prefer_floor'),
  },
  infer: (args) => ({ y: like(args.in.x, resizedShape(args)) }),
});

const byScales = (name: string, since: readonly number[], until: number) =>
  defineOp({
    name,
    since,
    until,
    doc: 'x resampled by scales. x: D1..Dn. scales: n. y: floor(D * scale).',
    inputs: { x: 'T', scales: 'F' },
    outputs: { y: 'T' },
    types: { T: CLASSIC_BEFORE_BFLOAT, F: ['float32'] },
    attrs: { mode: attr.string('nearest') },
    infer({ in: { x, scales } }) {
      const input = shapeOf(x);
      return { y: like(x, input && scaled(input, floatsOf(scales))) };
    },
  });

export const Resize10 = byScales('Resize', [10], 11);
export const Upsample9 = byScales('Upsample', [9], 10);

export const Upsample7 = defineOp({
  name: 'Upsample',
  since: [7],
  until: 9,
  doc: 'x resampled by scales. x: D1..Dn. y: floor(D * scale).',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: CLASSIC_BEFORE_BFLOAT },
  attrs: { mode: attr.string('nearest'), scales: attr.requiredFloats() },
  infer({ in: { x }, attr }) {
    const input = shapeOf(x);
    return { y: like(x, input && scaled(input, attr.scales)) };
  },
});
