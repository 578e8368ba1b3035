import type { Value } from '../../graph/ir.js';
import { constantOf } from '../../ops/index.js';
import { type DType, elementCount } from '../../tensor/dtype.js';
import { asFloat64 } from '../../tensor/tensor.js';
import { absent, type Skip, skip } from '../rule.js';
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
  if (!t) return skip('a parameter is computed or can be overridden');
  const type = floatType(t);
  if (!type) return skip('a parameter is not of a floating-point type');
  if (elementCount(t.shape) !== channels) return skip('a parameter is not one number a channel');
  return finite({ values: asFloat64(t), params: channels, type });
}

/**
 * A constant operand of an elementwise operator as one number for each channel of `form`. ONNX aligns shapes at the right: the channel axis of the constant
 * stands where the form's stands, and every other axis is 1.
 */
export function perChannel(value: Value, form: Form): PerChannel | Skip {
  const t = constantOf(value);
  if (!t) return absent('no constant operand');
  const type = floatType(t);
  if (!type) return skip('the constant is not of a floating-point type');
  const rank =
    form.layout === 'first'
      ? spatialRank(form) + 2
      : form.terms[0]?.source.type?.kind === 'tensor'
        ? form.terms[0].source.type.shape?.length
        : undefined;
  if (t.shape.length > (rank ?? 1)) return skip('the constant has a higher rank');
  const channelAxis = form.layout === 'first' ? 1 - (rank ?? 0) : -1;
  const along =
    t.shape.at(channelAxis) !== undefined && t.shape.length >= -channelAxis ? t.shape[t.shape.length + channelAxis] : 1;
  if (elementCount(t.shape) !== (along ?? 1)) return skip('the constant differs along another axis than the channels');
  if (along === form.outputs) return finite({ values: asFloat64(t), params: elementCount(t.shape), type });
  if (along !== 1) return skip('the constant broadcasts the channels');
  const single = asFloat64(t)[0] ?? 0;
  return finite({ values: new Float64Array(form.outputs).fill(single), params: 1, type });
}

const finite = (c: PerChannel): PerChannel | Skip =>
  c.values.every(Number.isFinite) ? c : skip('a constant is not finite');
