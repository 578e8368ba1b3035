import type { Value } from '../../graph/ir.js';
import { constantOf } from '../../ops/index.js';
import { type DType, elementCount } from '../../tensor/dtype.js';
import { asFloat64 } from '../../tensor/tensor.js';
import { notApplicable, type Skip, skip } from '../rule.js';
import { type FloatType, type Form, spatialRank } from './form.js';

/** The element type of a tensor whose numbers can be merged. */
export const floatType = (t: { readonly dtype: DType }): FloatType | undefined =>
  t.dtype === 'float32' || t.dtype === 'float64' || t.dtype === 'float16' || t.dtype === 'bfloat16'
    ? t.dtype
    : undefined;

export interface PerChannel {
  readonly values: Float64Array;
  readonly params: number;
  readonly type: FloatType;
}

/** A vector of one finite number for each of `channels`. */
export function channelVector(value: Value, channels: number): PerChannel | Skip {
  const t = constantOf(value);
  if (!t) return skip('parameter-computed');
  const type = floatType(t);
  if (!type) return skip('parameter-not-float');
  if (elementCount(t.shape) !== channels) return skip('parameter-length');
  return finite({ values: asFloat64(t), params: channels, type });
}

/**
 * A constant operand of an elementwise operator as one number for each channel of `form`. ONNX aligns shapes at the right: the channel axis of the constant
 * stands where the form's stands, and every other axis is 1.
 */
export function perChannel(value: Value, form: Form): PerChannel | Skip {
  const t = constantOf(value);
  if (!t) return notApplicable('no-constant');
  const type = floatType(t);
  if (!type) return skip('constant-not-float');
  const rank =
    form.layout === 'first'
      ? spatialRank(form) + 2
      : form.terms[0]?.source.type?.kind === 'tensor'
        ? form.terms[0].source.type.shape?.length
        : undefined;
  if (t.shape.length > (rank ?? 1)) return skip('constant-rank');
  const channelAxis = form.layout === 'first' ? 1 - (rank ?? 0) : -1;
  const along =
    t.shape.at(channelAxis) !== undefined && t.shape.length >= -channelAxis ? t.shape[t.shape.length + channelAxis] : 1;
  if (elementCount(t.shape) !== (along ?? 1)) return skip('constant-not-per-channel');
  if (along === form.outputs) return finite({ values: asFloat64(t), params: elementCount(t.shape), type });
  if (along !== 1) return skip('constant-broadcasts');
  const single = asFloat64(t)[0] ?? 0;
  return finite({ values: new Float64Array(form.outputs).fill(single), params: 1, type });
}

const finite = (c: PerChannel): PerChannel | Skip =>
  c.values.every(Number.isFinite) ? c : skip('constant-not-finite');
