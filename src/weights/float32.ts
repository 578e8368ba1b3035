import { elementCount } from '../tensor/dtype.js';
import { asFloat64, lazyTensor, tensor, type Tensor } from '../tensor/tensor.js';

/** What float32 weights can be made of; integers are never weights. */
const FLOATS = new Set<string>(['bfloat16', 'float16', 'float32', 'float64']);

export const isFloat = (t: Tensor): boolean => FLOATS.has(t.dtype);

/** Elements converted at a time: the float64 in between stays small. */
const BLOCK = 65536;

/** The same values as float32: exact from float16 and bfloat16, rounded once, to nearest even, from float64. Made when asked for. */
export function toFloat32(t: Tensor): Tensor {
  if (t.dtype === 'float32') return t;
  return lazyTensor('float32', t.shape, () => {
    const bytes = t.bytes();
    const count = elementCount(t.shape);
    const size = t.byteLength / Math.max(1, count);
    const out = new Float32Array(count);
    for (let at = 0; at < count; at += BLOCK) {
      const n = Math.min(BLOCK, count - at);
      out.set(asFloat64(tensor(t.dtype, [n], bytes.subarray(at * size, (at + n) * size))), at);
    }
    return new Uint8Array(out.buffer);
  });
}
