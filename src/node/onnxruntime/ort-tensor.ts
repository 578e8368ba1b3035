import type * as Ort from 'onnxruntime-node';
import { CnnxError } from '../../base/errors.js';
import { decodeName, encodeName, printable } from '../../base/text.js';
import { bytesOf, type DType, elementCount } from '../../tensor/dtype.js';
import { stringTensor, type Tensor, tensor } from '../../tensor/tensor.js';

type Numbers =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

interface Carrier {
  readonly width: number;
  readonly of: (buffer: ArrayBuffer, at: number, count: number) => Numbers;
}

/** The element types that onnxruntime-node carries, each with the typed array that it wants. */
const CARRIERS: Partial<Record<DType, Carrier>> = {
  float32: { width: 4, of: (b, at, n) => new Float32Array(b, at, n) },
  float64: { width: 8, of: (b, at, n) => new Float64Array(b, at, n) },
  float16: { width: 2, of: (b, at, n) => new Uint16Array(b, at, n) },
  bool: { width: 1, of: (b, at, n) => new Uint8Array(b, at, n) },
  uint8: { width: 1, of: (b, at, n) => new Uint8Array(b, at, n) },
  int8: { width: 1, of: (b, at, n) => new Int8Array(b, at, n) },
  uint16: { width: 2, of: (b, at, n) => new Uint16Array(b, at, n) },
  int16: { width: 2, of: (b, at, n) => new Int16Array(b, at, n) },
  uint32: { width: 4, of: (b, at, n) => new Uint32Array(b, at, n) },
  int32: { width: 4, of: (b, at, n) => new Int32Array(b, at, n) },
  uint64: { width: 8, of: (b, at, n) => new BigUint64Array(b, at, n) },
  int64: { width: 8, of: (b, at, n) => new BigInt64Array(b, at, n) },
};

/** A tensor of ours as one of onnxruntime's; copies only where the data is not aligned. Throws `runtime/tensor-type`. */
export function toOrt(ort: typeof Ort, t: Tensor, name: string): Ort.Tensor {
  const shape = [...t.shape];
  if (t.strings) return new ort.Tensor('string', t.strings().map(decodeName), shape);
  const carrier = CARRIERS[t.dtype];
  if (!carrier) throw notCarried(t.dtype, name);
  const bytes = t.bytes();
  const whole =
    bytes.byteOffset % carrier.width === 0 && bytes.buffer instanceof ArrayBuffer ? bytes : Uint8Array.from(bytes);
  const data = carrier.of(whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength / carrier.width);
  return new ort.Tensor(t.dtype as 'float32', data as Float32Array, shape);
}

/** The other way; the data is a view, and nobody else writes to it. */
export function fromOrt(t: Ort.OnnxValue, name: string): Tensor {
  if (typeof t !== 'object' || !('dims' in t)) throw notCarried('something that is no tensor', name);
  const dtype = t.type as DType;
  if (t.type === 'string') return stringTensor(t.dims, (t.data as string[]).map(encodeName));
  const data = t.data as Numbers;
  const size = bytesOf(dtype, elementCount(t.dims));
  return tensor(dtype, t.dims, new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, size));
}

function notCarried(what: string, name: string): CnnxError {
  return new CnnxError('runtime/tensor-type', `onnxruntime-node cannot carry ${what}, which ${printable(name)} is`, {
    at: { value: name },
  });
}
