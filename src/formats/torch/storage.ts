import { ByteRange, type ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { printable } from '../../base/text.js';
import { bytesOf, DTYPE_BITS, type DType, elementCount } from '../../tensor/dtype.js';
import { lazyTensor, rangeTensor, tensor, type Tensor } from '../../tensor/tensor.js';

/** Element type of a storage class; bytes for one that leaves the type to its tensors. */
export type StorageType = DType | 'untyped';

/**
 * The flat memory that tensors are views of. Data may be attached after the tensors are known, as the older file form
 * has it.
 */
export class Storage implements ByteSource {
  private data: ByteSource | undefined;

  constructor(
    readonly key: string,
    readonly type: StorageType,
    /** Elements; bytes when untyped. */
    readonly length: number,
  ) {}

  /** In bytes. */
  get size(): number {
    return this.type === 'untyped' ? this.length : bytesOf(this.type, this.length);
  }

  get attached(): boolean {
    return this.data !== undefined;
  }

  /** Throws `torch/storage` when the data is not as long as the storage was said to be. */
  attach(data: ByteSource): void {
    if (data.size !== this.size) {
      throw new CnnxError(
        'torch/storage',
        `storage ${printable(this.key)} is said to have ${this.length} elements (${this.size} bytes); the file holds ${data.size} bytes for it`,
      );
    }
    this.data = data;
  }

  read(at: number, size: number): Uint8Array {
    if (!this.data) throw new Error(`bug: storage ${this.key} was never attached`);
    return this.data.read(at, size);
  }
}

export interface View {
  readonly dtype: DType;
  /** In elements, as are the strides. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/**
 * A tensor as a view of a storage. Reads nothing: a contiguous view is one positioned read when its bytes are asked
 * for, any other is gathered then. Throws `torch/tensor` for a view that reaches beyond its storage.
 */
export function viewTensor(storage: Storage, view: View): Tensor {
  const { dtype, shape, strides, offset } = view;
  const size = DTYPE_BITS[dtype] / 8;
  const length = storage.size / size;
  const count = elementCount(shape);
  const describe = `a ${dtype} tensor [${shape.join(', ')}] with strides [${strides.join(', ')}] at element ${offset}`;
  if (shape.length !== strides.length || shape.length > LIMITS.tensorRank) {
    throw new CnnxError('torch/tensor', `${describe}: ${shape.length} sizes and ${strides.length} strides`);
  }
  if (count === 0) return tensor(dtype, shape, new Uint8Array(0));
  const last = shape.reduce((at, d, axis) => at + (d - 1) * (strides[axis] ?? 0), offset);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(last) || last >= length) {
    throw new CnnxError('torch/tensor', `${describe} reaches beyond its storage of ${Math.floor(length)} elements`);
  }
  if (count > length && count > LIMITS.expandedElements) {
    throw new CnnxError('torch/tensor', `${describe} repeats ${length} stored elements ${count} times over`);
  }
  if (isContiguous(shape, strides)) {
    return rangeTensor(dtype, shape, new ByteRange(storage, offset * size, count * size));
  }
  return lazyTensor(dtype, shape, () => gather(storage.read(offset * size, (last - offset + 1) * size), view, size));
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const d = shape[axis] ?? 0;
    if (d !== 1 && strides[axis] !== expected) return false;
    expected *= d;
  }
  return true;
}

/** `span` holds the elements from the first to the last that the view touches. */
function gather(span: Uint8Array, { shape, strides }: View, size: number): Uint8Array {
  const out = new Uint8Array(elementCount(shape) * size);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += size) {
    for (let b = 0; b < size; b++) out[to + b] = span[from * size + b] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        from += stride;
        break;
      }
      from -= stride * (next - 1);
      index[axis] = 0;
    }
  }
  return out;
}
