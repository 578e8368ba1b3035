import { attr, defineOp, removed } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import { dtypeOfCode } from '../tensor/dtype.js';
import { axisOf, dtypeOf, expectRank, like, same, shapeOf, sharedDim, typed } from './tensors.js';
import { FLOATS, FLOATS_BEFORE_BFLOAT } from './types.js';

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
  doc: 'BatchNormalization; training mode is on when it has further outputs. With spatial = 0 (before 9) statistics are per element. x, y: N,C,D1..Dn. Others: C.',
  inputs: { x: 'T', scale: 'T', bias: 'T', mean: 'T', variance: 'T' },
  outputs: { y: 'T', running_mean: 'T?', running_variance: 'T?', saved_mean: 'T?', saved_variance: 'T?' },
  types: { T: FLOATS_BEFORE_BFLOAT },
  attrs: { epsilon: attr.float(1e-5), momentum: attr.float(0.9), spatial: removed(9, attr.int(1)) },
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

export const GroupNormalization = defineOp({
  name: 'GroupNormalization',
  since: [21],
  doc: 'Each group of channels of a sample normalised to mean 0 and variance 1, then scaled and shifted. x, y: N,C,D1..Dn. scale, bias: C.',
  inputs: { x: 'T', scale: 'T', bias: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { epsilon: attr.float(1e-5), num_groups: attr.requiredInt(), stash_type: attr.int(1) },
  infer({ in: { x, scale, bias } }) {
    checkChannels(x, { scale, bias });
    return { y: same(x) };
  },
});

export const GroupNormalization18 = defineOp({
  name: 'GroupNormalization',
  since: [18],
  until: 21,
  doc: 'GroupNormalization with one scale and bias for each group. x, y: N,C,D1..Dn. scale, bias: G.',
  inputs: { x: 'T', scale: 'T', bias: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { epsilon: attr.float(1e-5), num_groups: attr.requiredInt() },
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

export const InstanceNormalization = defineOp({
  name: 'InstanceNormalization',
  since: [6, 22],
  doc: 'Each channel of a sample normalised to mean 0 and variance 1, then scaled and shifted. x, y: N,C,D1..Dn. scale, bias: C.',
  inputs: { x: 'T', scale: 'T', bias: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { epsilon: attr.float(1e-5) },
  infer({ in: { x, scale, bias } }) {
    checkChannels(x, { scale, bias });
    return { y: same(x) };
  },
});

export const LayerNormalization = defineOp({
  name: 'LayerNormalization',
  since: [17],
  doc: 'All axes from `axis` on normalised to mean 0 and variance 1, then scaled and shifted. x, y: D1..Dn. scale, bias: broadcast to those axes.',
  inputs: { x: 'T', scale: 'T', bias: 'T?' },
  outputs: { y: 'T', mean: 'U?', inverse_deviation: 'U?' },
  types: { T: FLOATS, U: ['float32', 'bfloat16'] },
  attrs: { axis: attr.int(-1), epsilon: attr.float(1e-5), stash_type: attr.int(1) },
  infer({ in: { x }, attr }) {
    const shape = shapeOf(x);
    const axis = shape && axisOf(attr.axis, shape.length);
    const statistics = typed(
      dtypeOfCode(attr.stash_type),
      shape?.map((d, i) => (i < (axis ?? 0) ? d : 1)),
    );
    return { y: same(x), mean: statistics, inverse_deviation: statistics };
  },
});

export const LRN = defineOp({
  name: 'LRN',
  since: [1, 13],
  doc: 'x / (bias + alpha / size * (sum of squares over `size` channels around))^beta. x, y: N,C,D1..Dn.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { alpha: attr.float(1e-4), beta: attr.float(0.75), bias: attr.float(1), size: attr.requiredInt() },
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

export const LpNormalization = defineOp({
  name: 'LpNormalization',
  since: [1, 22],
  doc: 'x divided by its Lp norm along one axis. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { axis: attr.int(-1), p: attr.int(2) },
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

export const MeanVarianceNormalization = defineOp({
  name: 'MeanVarianceNormalization',
  since: [9, 13],
  doc: '(x - mean) / deviation, over some axes. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { axes: attr.ints([0, 2, 3]) },
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

export const RMSNormalization = defineOp({
  name: 'RMSNormalization',
  since: [23],
  doc: 'All axes from `axis` on divided by their root mean square, then scaled. x, y: D1..Dn. scale: broadcasts to those axes.',
  inputs: { x: 'T', scale: 'V' },
  outputs: { y: 'V' },
  types: { T: FLOATS, V: FLOATS },
  attrs: { axis: attr.int(-1), epsilon: attr.float(1e-5), stash_type: attr.int(1) },
  infer: ({ in: { x, scale } }) => ({ y: typed(dtypeOf(scale), shapeOf(x)) }),
});
