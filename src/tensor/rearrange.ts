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

/** Aligned bytes as the widest words that elements of `width` bytes are made of: copying words keeps every bit, and is quicker. */
function wordsOf(
  { buffer, byteOffset, byteLength }: Uint8Array,
  width: number,
): Uint32Array | Uint16Array | Uint8Array {
  if (width % 4 === 0) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return width === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

function transposeBytes(t: Tensor, perm: readonly number[], width: number): Uint8Array {
  const bytes = t.bytes();
  const from = wordsOf(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice(), width);
  const result = new Uint8Array(bytes.byteLength);
  const out = wordsOf(result, width);
  const parts = width / out.BYTES_PER_ELEMENT;
  const steps = t.shape.map((_, axis) => elementCount(t.shape.slice(axis + 1)) * parts);
  const sizes = perm.map((p) => t.shape[p] ?? 1);
  const strides = perm.map((p) => steps[p] ?? 0);
  const inner = sizes.at(-1) ?? 1;
  const stride = strides.at(-1) ?? 0;
  const index = sizes.map(() => 0);
  let start = 0;
  for (let to = 0; to < out.length; ) {
    for (let i = 0, at = start; i < inner; i++, at += stride)
      for (let part = 0; part < parts; part++) out[to++] = from[at + part] ?? 0;
    for (let axis = sizes.length - 2; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      start += strides[axis] ?? 0;
      if (next < (sizes[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      start -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}
