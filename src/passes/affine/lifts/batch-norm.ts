import type { Node } from '../../../graph/ir.js';
import { BatchNormalization, BatchNormalization7, batchNorm } from '../../../ops/index.js';
import { elementCount } from '../../../tensor/dtype.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { channelVector, floatType } from '../constants.js';
import { crossed, type Form, scale, shift } from '../form.js';
import { lift } from '../lift.js';

/** y = x * factor + moved, a number for each channel. */
interface Normalization {
  readonly channels: number;
  readonly factor: Float64Array;
  readonly moved: Float64Array;
  readonly magnitudes: Float64Array;
}

/** A BatchNormalization by its stored statistics: (x - mean) * s + bias with s = scale / sqrt(variance + epsilon). */
export function normalizationOf(node: Node): Normalization | Skip {
  const bn = batchNorm(node);
  if (!bn) return skip('per-element-statistics');
  if (bn.training) return skip('training-mode');
  const channels =
    bn.scale.type?.kind === 'tensor'
      ? elementCount((bn.scale.type.shape ?? []).filter((d) => typeof d === 'number'))
      : 0;
  const gamma = channelVector(bn.scale, channels);
  const beta = channelVector(bn.bias, channels);
  const mean = channelVector(bn.mean, channels);
  const variance = channelVector(bn.variance, channels);
  if (isSkip(gamma)) return gamma;
  if (isSkip(beta)) return beta;
  if (isSkip(mean)) return mean;
  if (isSkip(variance)) return variance;
  if (variance.values.some((v) => !(v + bn.epsilon > 0))) return skip('variance-not-positive');
  const factor = gamma.values.map((g, c) => g / Math.sqrt((variance.values[c] ?? 0) + bn.epsilon));
  const centre = mean.values.map((m, c) => m * (factor[c] ?? 0));
  return {
    channels,
    factor,
    moved: beta.values.map((b, c) => b - (centre[c] ?? 0)),
    magnitudes: beta.values.map((b, c) => Math.abs(b) + Math.abs(centre[c] ?? 0)),
  };
}

/** What a BatchNormalization makes of a form. */
export function normalized(form: Form, node: Node, by: Normalization): Form {
  // Since opset 15 the parameters may be of another type than what they are applied to.
  const x = node.inputs[0]?.type;
  const type = x?.kind === 'tensor' ? floatType(x) : undefined;
  return shift(scale(crossed(form, { node, params: 4 * by.channels, type }), by.factor), by.moved, by.magnitudes);
}

export const liftBatchNorm = lift(
  [BatchNormalization, BatchNormalization7],
  's * x + t with s = scale / sqrt(variance + epsilon), t = bias - mean * s: s * Conv(x, w, b) + t -> Conv(x, s * w, s * b + t)',
  (node, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const by = normalizationOf(node);
    if (isSkip(by)) return by;
    const form = at.operand(node.in.x, { channels: by.channels });
    return isSkip(form) ? form : normalized(form, node, by);
  },
);
