import { CnnxError } from '../base/errors.js';
import { type DType, DTYPE_BITS, elementCount } from '../tensor/dtype.js';
import { type Tensor, tensor } from '../tensor/tensor.js';

/*
 * IDX, the format of MNIST's files (http://yann.lecun.com/exdb/mnist): two zero bytes, a code for the element type, the number of
 * dimensions, then each dimension as a big-endian int32, then the elements, big-endian, the last dimension fastest.
 */

const KINDS: ReadonlyMap<number, DType> = new Map([
  [0x08, 'uint8'],
  [0x09, 'int8'],
  [0x0b, 'int16'],
  [0x0c, 'int32'],
  [0x0d, 'float32'],
  [0x0e, 'float64'],
]);

const broken = (message: string, byte?: number): CnnxError =>
  new CnnxError('idx/format', message, { at: { byte }, hint: 'download the file again' });

/** Whether bytes begin as an IDX file does. */
export const isIdx = (head: Uint8Array): boolean =>
  head.length >= 4 && head[0] === 0 && head[1] === 0 && KINDS.has(head[2] ?? -1) && (head[3] ?? 0) > 0;

/** Reads one array of any rank. Throws `idx/format`. */
export function readIdx(bytes: Uint8Array): Tensor {
  if (!isIdx(bytes)) throw broken('not an IDX file: its first bytes are no magic number of one', 0);
  const dtype = KINDS.get(bytes[2] ?? 0) ?? 'uint8';
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw broken(`the file ends at ${bytes.length}, inside its ${rank} dimensions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const width = DTYPE_BITS[dtype] / 8;
  const expected = elementCount(shape) * width;
  if (bytes.length - start !== expected)
    throw broken(`${dtype}[${shape.join(',')}] takes ${expected} bytes; ${bytes.length - start} follow`, start);
  const data = bytes.subarray(start);
  return tensor(dtype, shape, width === 1 ? data : reversed(data, width));
}

/** Elements in the other byte order. */
function reversed(data: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += width)
    for (let i = 0; i < width; i++) out[at + i] = data[at + width - 1 - i] ?? 0;
  return out;
}
