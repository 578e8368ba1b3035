import { attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import { expectRank, like, same, shapeOf, sharedDim } from './tensors.js';
import { FLOATS } from './types.js';

/** x: N,C,D1..Dn and parameters of one entry for each channel. Throws `graph/shape`. */
function checkChannels(x: Value, parameters: Readonly<Record<string, Value>>): void {
  const channels = shapeOf(x)?.[1];
  for (const [name, value] of Object.entries(parameters)) {
    const shape = shapeOf(value);
    expectRank(shape, 1, name);
    if (shape) sharedDim(channels, shape[0], `channels of the input, and entries of ${name}`);
  }
}

export const BatchNormalization = defineOp({
  name: 'BatchNormalization',
  since: [14, 15],
  doc: 'y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel; in training mode with the statistics of the batch. x, y: N,C,D1..Dn. Others: C.',
  inputs: { x: 'T', scale: 'S', bias: 'S', mean: 'M', variance: 'M' },
  outputs: { y: 'T', running_mean: 'M?', running_variance: 'M?' },
  types: { T: FLOATS, S: FLOATS, M: FLOATS },
  attrs: { epsilon: attr.float(1e-5), momentum: attr.float(0.9), training_mode: attr.int(0) },
  infer({ in: { x, scale, bias, mean, variance } }) {
    checkChannels(x, { scale, bias, mean, variance });
    const channels = [shapeOf(x)?.[1]];
    return { y: same(x), running_mean: like(mean, channels), running_variance: like(variance, channels) };
  },
});

export const BatchNormalization7 = defineOp({
  name: 'BatchNormalization',
  since: [7, 9],
  until: 14,
  doc: 'BatchNormalization; training is asked for by its further outputs. With spatial = 0 (before 9) statistics are per element. x, y: N,C,D1..Dn. Others: C.',
  inputs: { x: 'T', scale: 'T', bias: 'T', mean: 'T', variance: 'T' },
  outputs: { y: 'T', running_mean: 'T?', running_variance: 'T?', saved_mean: 'T?', saved_variance: 'T?' },
  types: { T: FLOATS },
  attrs: { epsilon: attr.float(1e-5), momentum: attr.float(0.9), spatial: attr.int(1) },
  infer({ in: { x, scale, bias, mean, variance }, attr }) {
    if (attr.spatial === 0) return { y: same(x) };
    checkChannels(x, { scale, bias, mean, variance });
    const parameter = like(x, [shapeOf(x)?.[1]]);
    return {
      y: same(x),
      running_mean: parameter,
      running_variance: parameter,
      saved_mean: parameter,
      saved_variance: parameter,
    };
  },
});
