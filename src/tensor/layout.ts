import { CnnxError } from '../base/errors.js';
import { DTYPE_BITS, elementCount } from './dtype.js';
import { lazyTensor, type Tensor, tensor } from './tensor.js';

/** The same elements in another shape, over the same data. Throws `tensor/size` when their numbers differ. */
export function reshapeTensor(t: Tensor, shape: readonly number[]): Tensor {
  if (elementCount(shape) !== elementCount(t.shape))
    throw new CnnxError(
      'tensor/size',
      `[${t.shape.join(',')}] cannot be seen as [${shape.join(',')}]: ${elementCount(t.shape)} and ${elementCount(shape)} elements`,
    );
  const { dtype, byteLength, range } = t;
  const strings = t.strings?.bind(t);
  return {
    dtype,
    shape: [...shape],
    byteLength,
    bytes: () => t.bytes(),
    ...(range && { range }),
    ...(strings && { strings }),
  };
}

/** Larger results are made anew each time they are asked for, and not kept in memory. */
const MAX_KEPT_BYTES = 1 << 24;

/** Axis i of the result is axis perm[i] of `t`. Undefined for strings, for types under a byte, and where perm is no order of the axes. */
export function transposeTensor(t: Tensor, perm: readonly number[]): Tensor | undefined {
  const width = DTYPE_BITS[t.dtype] / 8;
  if (!Number.isInteger(width) || width === 0) return undefined;
  if (perm.length !== t.shape.length || perm.toSorted((a, b) => a - b).some((p, i) => p !== i)) return undefined;
  const shape = perm.map((p) => t.shape[p] ?? 1);
  const make = (): Uint8Array => transposeBytes(t, perm, width);
  return t.byteLength > MAX_KEPT_BYTES ? lazyTensor(t.dtype, shape, make) : tensor(t.dtype, shape, make());
}

function transposeBytes(t: Tensor, perm: readonly number[], width: number): Uint8Array {
  const from = t.bytes();
  const out = new Uint8Array(from.byteLength);
  const steps = t.shape.map((_, axis) => elementCount(t.shape.slice(axis + 1)) * width);
  const sizes = perm.map((p) => t.shape[p] ?? 1);
  const strides = perm.map((p) => steps[p] ?? 0);
  const index = sizes.map(() => 0);
  let at = 0;
  for (let to = 0; to < out.byteLength; to += width) {
    for (let b = 0; b < width; b++) out[to + b] = from[at + b] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      at += strides[axis] ?? 0;
      if (next < (sizes[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      at -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return out;
}
