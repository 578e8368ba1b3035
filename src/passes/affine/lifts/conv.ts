import type { Value } from '../../../graph/ir.js';
import { constantOf, Conv, ConvTranspose } from '../../../ops/index.js';
import { elementCount } from '../../../tensor/dtype.js';
import { asFloat64, type Tensor } from '../../../tensor/tensor.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { type Axis, autoAxis, axisOf, UNIT } from '../axis.js';
import { channelVector, floatType } from '../constants.js';
import { crossed, storedKernel } from '../form.js';
import type { Layer } from '../compose.js';
import { lengthsOf } from '../sum.js';
import { lift } from '../lift.js';

export interface WindowAttrs {
  readonly auto_pad: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  readonly dilations?: readonly number[] | undefined;
  readonly pads?: readonly number[] | undefined;
  readonly strides?: readonly number[] | undefined;
}

/** Pads, strides and dilations beyond this are not of this world, and sums of them soon not exact. */
const MAX_STEP = 2 ** 31;

/** The axes of a window over `x`. Undefined when the attributes do not have an entry for each axis, or one out of bounds. */
export function windowAxes(x: Value, taps: readonly number[], a: WindowAttrs): Axis[] | undefined {
  const rank = taps.length;
  if ([a.dilations, a.strides].some((l) => l && l.length !== rank) || (a.pads && a.pads.length !== 2 * rank))
    return undefined;
  if (taps.some((n) => n < 1 || n > MAX_STEP)) return undefined;
  if ([a.dilations, a.pads, a.strides].some((l) => l?.some((n) => Math.abs(n) > MAX_STEP))) return undefined;
  const lengths = lengthsOf(x);
  return taps.map((n, i) => {
    const stride = a.strides?.[i] ?? 1;
    const dilation = a.dilations?.[i] ?? 1;
    if (a.auto_pad === 'SAME_UPPER' || a.auto_pad === 'SAME_LOWER')
      return autoAxis(a.auto_pad, n, stride, dilation, lengths[i]);
    const pads = a.auto_pad === 'VALID' ? undefined : a.pads;
    return axisOf(n, stride, dilation, pads?.[i] ?? 0, pads?.[rank + i] ?? 0);
  });
}

interface Weights {
  readonly weight: Tensor;
  readonly bias: Float64Array | undefined;
  readonly type: NonNullable<ReturnType<typeof floatType>>;
}

/** The constant weight and bias of a convolution with `outputs` channels. */
function weightsOf(w: Value, b: Value | undefined, outputsOf: (weight: Tensor) => number): Weights | Skip {
  const weight = constantOf(w);
  if (!weight) return skip('weight-computed');
  const type = floatType(weight);
  if (!type) return skip('weight-not-float');
  if (weight.shape.length < 3 || elementCount(weight.shape) === 0) return skip('weight-no-window');
  if (!b) return { weight, bias: undefined, type };
  const bias = channelVector(b, outputsOf(weight));
  return isSkip(bias) ? bias : { weight, bias: bias.values, type };
}

export const liftConv = lift(
  Conv,
  'Conv(Conv(x, v, a), w, b) -> Conv(x, w * v, w * a + b) where the two are one convolution at the border too',
  (conv, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const groups = conv.attr.group;
    const own = weightsOf(conv.in.w, conv.in.b, (w) => w.shape[0] ?? 0);
    if (isSkip(own)) return own;
    const { weight, bias, type } = own;
    const [outputs = 0, width = 0, ...taps] = weight.shape;
    const axes = windowAxes(conv.in.x, taps, conv.attr);
    if (!axes || groups < 1 || outputs % groups !== 0) return skip('attributes-misfit');
    const inputs = width * groups;
    const layer: Layer = {
      bias,
      term: { inputs, outputs, groups, axes, convolution: conv, kernel: storedKernel(weight) },
    };
    const form = at.window(conv, conv.in.x, { channels: inputs, rank: taps.length }, () => layer);
    return isSkip(form)
      ? form
      : crossed(form, { node: conv, params: elementCount(weight.shape) + (bias?.length ?? 0), type });
  },
);

export const liftConvTranspose = lift(
  ConvTranspose,
  'ConvTranspose composed with scales, shifts and 1x1 convolutions above and below it',
  (conv, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const groups = conv.attr.group;
    const own = weightsOf(conv.in.w, conv.in.b, (w) => (w.shape[1] ?? 0) * groups);
    if (isSkip(own)) return own;
    const { weight, bias, type } = own;
    const [inputs = 0, rows = 0, ...taps] = weight.shape;
    if (groups < 1 || inputs % groups !== 0) return skip('attributes-misfit');
    const outputs = rows * groups;
    const kernel = (): Float64Array =>
      swapChannels(asFloat64(weight), groups, inputs / groups, rows, elementCount(taps));
    const { auto_pad, dilations, output_padding, output_shape, pads, strides } = conv.attr;
    const key = JSON.stringify({ auto_pad, dilations, output_padding, output_shape, pads, strides, taps });
    const term = {
      inputs,
      outputs,
      groups,
      axes: taps.map(() => UNIT),
      transposed: { taps, key, node: conv },
      convolution: conv,
      kernel,
    };
    const form = at.window(conv, conv.in.x, { channels: inputs, rank: taps.length }, () => ({ bias, term }));
    return isSkip(form)
      ? form
      : crossed(form, { node: conv, params: elementCount(weight.shape) + (bias?.length ?? 0), type });
  },
);

/** [groups, a, b, taps] to [groups, b, a, taps]: between ConvTranspose's layout of weights and Conv's. */
export function swapChannels(data: Float64Array, groups: number, a: number, b: number, taps: number): Float64Array {
  const out = new Float64Array(data.length);
  for (let g = 0, from = 0; g < groups; g++) {
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++) {
        const to = ((g * b + j) * a + i) * taps;
        for (let k = 0; k < taps; k++) out[to + k] = data[from++] ?? 0;
      }
  }
  return out;
}
