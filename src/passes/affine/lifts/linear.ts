import { constantOf, Gemm, MatMul } from '../../../ops/index.js';
import { asFloat64 } from '../../../tensor/tensor.js';
import { notApplicable, isSkip, skip } from '../../rule.js';
import { floatType, perChannel } from '../constants.js';
import { crossed, shift } from '../form.js';
import type { Layer } from '../compose.js';
import { swapChannels } from './conv.js';
import { lift } from '../lift.js';

export const liftGemm = lift(Gemm, 'Gemm(Gemm(x, v, a), w, b) -> Gemm(x, v * w, a * w + b)', (gemm, at) => {
  if (at.layout !== 'first') return notApplicable('channels-last');
  const { alpha, beta, transA, transB } = gemm.attr;
  if (transA !== 0) return skip('first-transposed');
  const weight = constantOf(gemm.in.b);
  if (!weight) return notApplicable('second-factor-computed');
  const type = floatType(weight);
  if (!type || weight.shape.length !== 2) return skip('weight-not-matrix');
  const [rows = 0, columns = 0] = weight.shape;
  const [outputs, inputs] = transB === 0 ? [columns, rows] : [rows, columns];
  const kernel = (): Float64Array => {
    const data = transB === 0 ? swapChannels(asFloat64(weight), 1, rows, columns, 1) : asFloat64(weight);
    return alpha === 1 ? data : data.map((v) => v * alpha);
  };
  const layer: Layer = { term: { inputs, outputs, groups: 1, axes: [], convolution: gemm, kernel } };
  const form = at.window(gemm, gemm.in.a, { channels: inputs, rank: 0 }, () => layer);
  if (isSkip(form)) return form;
  const done = crossed(form, { node: gemm, params: outputs * inputs, type });
  if (!gemm.in.c || beta === 0) return done;
  const c = perChannel(gemm.in.c, done);
  if (isSkip(c)) return skip('gemm-bias');
  return shift(
    { ...done, params: done.params + c.params },
    c.values.map((v) => v * beta),
  );
});

export const liftMatMul = lift(
  MatMul,
  'MatMul(MatMul(x, v), w) -> MatMul(x, v * w), on the last axis',
  (product, at) => {
    const weight = constantOf(product.in.b);
    if (!weight) return notApplicable('second-factor-computed');
    const type = floatType(weight);
    if (!type || weight.shape.length !== 2) return skip('weight-not-matrix');
    const { type: xType } = product.in.a;
    const rank = xType?.kind === 'tensor' ? xType.shape?.length : undefined;
    if (rank === undefined || rank < 2) return skip('factor-rank');
    if (at.layout === 'first' && rank !== 2) return notApplicable('channels-not-first');
    const [inputs = 0, outputs = 0] = weight.shape;
    const kernel = (): Float64Array => swapChannels(asFloat64(weight), 1, inputs, outputs, 1);
    const layer: Layer = { term: { inputs, outputs, groups: 1, axes: [], convolution: product, kernel } };
    const form = at.window(product, product.in.a, { channels: inputs, rank: 0 }, () => layer);
    return isSkip(form) ? form : crossed(form, { node: product, params: inputs * outputs, type });
  },
);
