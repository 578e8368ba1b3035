import { BatchNormalization, BatchNormalization7, batchNorm } from '../../../ops/index.js';
import { elementCount } from '../../../tensor/dtype.js';
import { absent, isSkip, skip } from '../../rule.js';
import { channelVector, floatType } from '../constants.js';
import { crossed, scale, shift } from '../form.js';
import { lift } from '../lift.js';

/** y = (x - mean) * s + bias with s = scale / sqrt(variance + epsilon): a scale and a shift of whatever form x has. */
export const liftBatchNorm = lift(
  [BatchNormalization, BatchNormalization7],
  'a scale and a shift for each channel',
  (node, at) => {
    if (at.layout !== 'first') return absent('channels are on the last axis');
    const bn = batchNorm(node);
    if (!bn) return skip('statistics for each element');
    if (bn.training) return skip('training mode');
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
    if (variance.values.some((v) => !(v + bn.epsilon > 0))) return skip('variance + epsilon is not positive');
    const form = at.operand(bn.x, { channels });
    if (isSkip(form)) return form;
    const factor = gamma.values.map((g, c) => g / Math.sqrt((variance.values[c] ?? 0) + bn.epsilon));
    // Since opset 15 the parameters may be of another type than what they are applied to.
    const type = bn.x.type?.kind === 'tensor' ? floatType(bn.x.type) : undefined;
    const moved = mean.values.map((m, c) => m * (factor[c] ?? 0));
    return shift(
      scale(crossed(form, { node, params: 4 * channels, type }), factor),
      beta.values.map((b, c) => b - (moved[c] ?? 0)),
      beta.values.map((b, c) => Math.abs(b) + Math.abs(moved[c] ?? 0)),
    );
  },
);
