import { encodeName } from '../base/text.js';
import { bytesOf, type DType, elementCount } from './dtype.js';
import { fromFloat64, lazyTensor, stringTensor, type Tensor } from './tensor.js';

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
export function hashName(name: string): number {
  let h = 0x811c9dc5;
  for (const b of encodeName(name)) h = Math.imul(h ^ b, 0x01000193);
  return h >>> 0;
}

/** Element `i` of the stream that starts at `start`: uniform in [-1, 1), exact in float64. Murmur3's finaliser over a Weyl sequence. */
export function streamAt(start: number, i: number): number {
  let h = (start + Math.imul(i, 0x9e3779b9)) | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return (h >>> 0) / 2147483648 - 1;
}

/**
 * A tensor filled from the stream of its name and a seed; made when asked for. Floating point: rank 0 and 1 are 1 + u/2, so that they can
 * serve as variances, and higher ranks u * sqrt(6 / fan_in), so that depth does not blow up. Integers are 0 to 3, bool 0 or 1; all else is zero or empty.
 */
export function seededTensor(dtype: DType, shape: readonly number[], name: string, seed = 0): Tensor {
  if (dtype === 'string') {
    return stringTensor(
      shape,
      Array.from({ length: elementCount(shape) }, () => new Uint8Array(0)),
    );
  }
  return lazyTensor(dtype, shape, () => fill(dtype, shape, (hashName(name) ^ Math.imul(seed, 0x9e3779b9)) >>> 0));
}

function fill(dtype: DType, shape: readonly number[], start: number): Uint8Array {
  const count = elementCount(shape);
  switch (dtype) {
    case 'float32':
    case 'float64':
    case 'float16':
    case 'bfloat16': {
      const [offset, scale] = shape.length < 2 ? [1, 0.5] : [0, Math.sqrt(6 / elementCount(shape.slice(1)))];
      const values = Float64Array.from({ length: count }, (_, i) => offset + scale * streamAt(start, i));
      return fromFloat64(dtype, shape, values).bytes();
    }
    default: {
      const out = new Uint8Array(bytesOf(dtype, count));
      const width = INTEGER_BYTES[dtype];
      const most = dtype === 'bool' ? 1 : 2;
      if (width !== undefined)
        for (let i = 0; i < count; i++) out[i * width] = Math.floor((streamAt(start, i) + 1) * most);
      return out;
    }
  }
}

const INTEGER_BYTES: Partial<Record<DType, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
};
