import { type Chunk } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import { bytesOf, type DType } from '../tensor/dtype.js';
import { type Tensor, tensor, tensorChunk } from '../tensor/tensor.js';

/*
 * NumPy's array file: magic, version, a header that is a Python dictionary literal, the elements (NEP 1). Little-endian, C order; object
 * arrays, which are pickles, and structured types are refused.
 */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy pads its header so that the data begins at a multiple of this. */
const ALIGNMENT = 64;

const DESCRIPTIONS: Partial<Record<DType, string>> = {
  float32: '<f4',
  float64: '<f8',
  float16: '<f2',
  int8: '|i1',
  int16: '<i2',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
  bool: '|b1',
  complex64: '<c8',
  complex128: '<c16',
};

const DTYPE_OF = new Map<string, DType>();
for (const [dtype, text] of Object.entries(DESCRIPTIONS)) DTYPE_OF.set(text.slice(1), dtype as DType);

const refusal = (message: string, hint?: string): CnnxError => new CnnxError('npy/format', message, { hint });

/** Reads a .npy file. Throws `npy/format` for anything but a little-endian, C-ordered array of plain numbers of exactly the file's size. */
export function readNpy(bytes: Uint8Array): Tensor {
  if (!MAGIC.every((b, i) => bytes[i] === b)) throw refusal('the file does not begin as a NumPy array does');
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) throw refusal(`version ${major} of the format; 1 to 3 are known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefix = major === 1 ? 10 : 12;
  if (bytes.length < prefix) throw refusal(`the file ends after ${bytes.length} bytes, within its header`);
  const size = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (size > bytes.length - prefix) throw refusal(`the header claims ${size} bytes; ${bytes.length - prefix} are left`);
  const { dtype, shape } = parseHeader(new TextDecoder('latin1').decode(bytes.subarray(prefix, prefix + size)));
  const data = bytes.subarray(prefix + size);
  const count = shape.reduce((n, d) => n * d, 1);
  if (count > LIMITS.tensorElements || data.length !== bytesOf(dtype, count))
    throw refusal(`${dtype}[${shape.join(',')}] takes ${bytesOf(dtype, count)} bytes; the file has ${data.length}`);
  return tensor(dtype, shape, data);
}

function parseHeader(text: string): { dtype: DType; shape: number[] } {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || dims === undefined)
    throw refusal(`the header is not that of a plain array: ${printable(text.trim())}`);
  if (descr.startsWith('>')) throw refusal('the elements are big-endian', "save it as arr.astype('<f4') or the like");
  const dtype = DTYPE_OF.get(descr.slice(1));
  if (!dtype) throw refusal(`elements of type '${printable(descr)}'; plain numbers were expected`);
  const shape = dims
    .split(',')
    .map((d) => d.trim())
    .filter((d) => d !== '')
    .map(Number);
  if (shape.length > LIMITS.tensorRank) throw refusal(`${shape.length} dimensions; the limit is ${LIMITS.tensorRank}`);
  if (order === 'True' && shape.length > 1)
    throw refusal('the array is in Fortran order', 'save it as np.ascontiguousarray(arr)');
  return { dtype, shape };
}

/** A tensor as a .npy file, of the version that every NumPy reads. Throws `npy/format` for types that NumPy has no name for. */
export function writeNpy(t: Tensor): Chunk[] {
  const descr = DESCRIPTIONS[t.dtype];
  if (!descr) throw refusal(`NumPy has no ${t.dtype}`);
  const shape = t.shape.length === 1 ? `(${t.shape[0]},)` : `(${t.shape.join(', ')})`;
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const size = Math.ceil((MAGIC.length + 4 + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const out = new Uint8Array(size).fill(0x20);
  out.set([...MAGIC, 1, 0]);
  new DataView(out.buffer).setUint16(8, size - 10, true);
  out.set(new TextEncoder().encode(header), 10);
  out[size - 1] = 0x0a;
  return [out, tensorChunk(t)];
}
