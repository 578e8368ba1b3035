import { ByteRange, type Chunk } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { bytesOf, type DType, elementCount } from './dtype.js';
import { bfloatsToNumbers, encodeAll, halvesToNumbers, numberToBfloat, numberToHalf } from './half.js';

/** Immutable. `bytes()` is little-endian, row-major; a view of the file when it came from one, a fresh copy when it had to be read. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Known without touching the data. For strings: the sum of their lengths. */
  readonly byteLength: number;
  /** Throws `tensor/dtype` for strings. */
  bytes(): Uint8Array;
  /** Where the bytes lie, when they lie somewhere as they are: a part can then be read without the rest. */
  readonly range?: ByteRange | undefined;
  /** The elements of a string tensor, as bytes; absent for every other type. */
  strings?(): readonly Uint8Array[];
}

/** A tensor over bytes in memory. Throws `tensor/size` when they do not fit the shape. */
export function tensor(dtype: DType, shape: readonly number[], data: Uint8Array): Tensor {
  const expected = bytesOf(dtype, elementCount(shape));
  if (data.byteLength !== expected) {
    throw new CnnxError(
      'tensor/size',
      `${dtype}[${shape.join(',')}] takes ${expected} bytes; ${data.byteLength} were given`,
    );
  }
  return { dtype, shape: [...shape], byteLength: expected, bytes: () => data, range: ByteRange.of(data) };
}

/** A tensor whose bytes are made when asked for, and not kept: large fills stay out of memory. */
export function lazyTensor(dtype: DType, shape: readonly number[], make: () => Uint8Array): Tensor {
  return { dtype, shape: [...shape], byteLength: bytesOf(dtype, elementCount(shape)), bytes: make };
}

/** A tensor over a stretch of a file, read when asked for, and not kept. Throws `tensor/size` when it does not fit the shape. */
export function rangeTensor(dtype: DType, shape: readonly number[], range: ByteRange): Tensor {
  const expected = bytesOf(dtype, elementCount(shape));
  if (range.size !== expected) {
    throw new CnnxError('tensor/size', `${dtype}[${shape.join(',')}] takes ${expected} bytes; there are ${range.size}`);
  }
  return { dtype, shape: [...shape], byteLength: expected, bytes: () => range.bytes(), range };
}

/**
 * A tensor's bytes as a piece to write, which is asked for block by block. Bytes that have to be made are made at the first block and let go
 * with the last, so that of many tensors one is in memory.
 */
export function tensorChunk(t: Tensor): Chunk {
  if (t.range) return t.range;
  let made: Uint8Array | undefined;
  const read = (at: number, size: number): Uint8Array => {
    made ??= t.bytes();
    const part = made.subarray(at, at + size);
    if (at + size >= t.byteLength) made = undefined;
    return part;
  };
  return new ByteRange({ size: t.byteLength, read }, 0, t.byteLength);
}

const asBytes = (a: ArrayBufferView): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** A float32 tensor of these numbers, row-major. */
export const float32Tensor = (shape: readonly number[], data: Float32Array | readonly number[]): Tensor =>
  tensor('float32', shape, asBytes(data instanceof Float32Array ? data : Float32Array.from(data)));

/** An int64 tensor of these numbers, row-major. */
export const int64Tensor = (shape: readonly number[], data: readonly (number | bigint)[]): Tensor =>
  tensor('int64', shape, asBytes(BigInt64Array.from(data, (v) => BigInt(v))));

/** A tensor of strings, each as bytes. */
export function stringTensor(shape: readonly number[], strings: readonly Uint8Array[]): Tensor {
  return {
    dtype: 'string',
    shape: [...shape],
    byteLength: strings.reduce((n, s) => n + s.byteLength, 0),
    bytes: () => {
      throw new CnnxError('tensor/dtype', 'a string tensor has no bytes of one size; read its strings');
    },
    strings: () => strings,
  };
}

/** The same bytes, aligned to `align`: typed-array views need it, and protobuf gives none. Not `slice`, which is no copy on a Buffer. */
const aligned = (bytes: Uint8Array, align: number): Uint8Array =>
  bytes.byteOffset % align === 0 ? bytes : new Uint8Array(bytes);

/** A view of the data when aligned, one copy otherwise. Throws `tensor/dtype` unless float32. */
export function asFloat32(t: Tensor): Float32Array {
  if (t.dtype !== 'float32') throw new CnnxError('tensor/dtype', `float32 was expected; found ${t.dtype}`);
  const b = aligned(t.bytes(), 4);
  return new Float32Array(b.buffer, b.byteOffset, b.byteLength / 4);
}

/** The integers of an int64 tensor; a view when aligned. Throws `tensor/dtype` otherwise. */
export function asInt64(t: Tensor): BigInt64Array {
  if (t.dtype !== 'int64') throw new CnnxError('tensor/dtype', `int64 was expected; found ${t.dtype}`);
  const b = aligned(t.bytes(), 8);
  return new BigInt64Array(b.buffer, b.byteOffset, b.byteLength / 8);
}

type Reader = (view: DataView, i: number) => number;

const READERS: Partial<Record<DType, Reader>> = {
  float32: (v, i) => v.getFloat32(4 * i, true),
  float64: (v, i) => v.getFloat64(8 * i, true),
  int8: (v, i) => v.getInt8(i),
  uint8: (v, i) => v.getUint8(i),
  bool: (v, i) => (v.getUint8(i) === 0 ? 0 : 1),
  int16: (v, i) => v.getInt16(2 * i, true),
  uint16: (v, i) => v.getUint16(2 * i, true),
  int32: (v, i) => v.getInt32(4 * i, true),
  uint32: (v, i) => v.getUint32(4 * i, true),
  int64: (v, i) => Number(v.getBigInt64(8 * i, true)),
  uint64: (v, i) => Number(v.getBigUint64(8 * i, true)),
};

/** Whether `asFloat64` can read this type. */
export const isNumeric = (dtype: DType): boolean =>
  READERS[dtype] !== undefined || dtype === 'float16' || dtype === 'bfloat16';

function sixteenBits(t: Tensor): Uint16Array {
  const b = aligned(t.bytes(), 2);
  return new Uint16Array(b.buffer, b.byteOffset, b.byteLength / 2);
}

/** All elements as float64 (64-bit integers beyond 2^53 lose digits). Throws `tensor/dtype` for strings, complex and types under a byte. */
export function asFloat64(t: Tensor): Float64Array {
  if (t.dtype === 'float32') return new Float64Array(asFloat32(t));
  if (t.dtype === 'float16') return halvesToNumbers(sixteenBits(t));
  if (t.dtype === 'bfloat16') return bfloatsToNumbers(sixteenBits(t));
  const read = READERS[t.dtype];
  if (!read) throw new CnnxError('tensor/dtype', `a numeric tensor was expected; found ${t.dtype}`);
  const b = t.bytes();
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const out = new Float64Array(elementCount(t.shape));
  for (let i = 0; i < out.length; i++) out[i] = read(view, i);
  return out;
}

/** The types that weights are computed in. */
export type FloatType = 'float32' | 'float64' | 'float16' | 'bfloat16';

export const isFloat = (dtype: DType): dtype is FloatType =>
  dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';

/** float64 values stored as a floating-point `dtype`, each rounded once, to nearest even. */
export function fromFloat64(dtype: FloatType, shape: readonly number[], values: Float64Array): Tensor {
  switch (dtype) {
    case 'float32':
      return tensor(dtype, shape, asBytes(new Float32Array(values)));
    case 'float64':
      return tensor(dtype, shape, asBytes(values));
    case 'float16':
      return tensor(dtype, shape, asBytes(encodeAll(values, numberToHalf)));
    case 'bfloat16':
      return tensor(dtype, shape, asBytes(encodeAll(values, numberToBfloat)));
    default:
      throw new CnnxError('tensor/dtype', `a floating-point type was expected; found ${String(dtype)}`);
  }
}
