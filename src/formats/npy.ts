import { type ByteSource, type Chunk, memorySource } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { bytesOf, type DType, DTYPE_BITS, elementCount } from '../tensor/dtype.js';
import { type Tensor, tensor } from '../tensor/tensor.js';

/*
 * NumPy's .npy (NEP 1): the magic, a version, the length of a header, the header (a Python dictionary literal with the
 * keys descr, fortran_order and shape, padded to a multiple of 64), then the elements.
 */

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const ALIGN = 64;

/** NumPy's own limit for headers that it reads from strangers. */
const MAX_HEADER = 10_000;

/** NumPy's limit on dimensions since version 2. */
const MAX_RANK = 64;

const KINDS: Readonly<Record<string, DType>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  c8: 'complex64',
  c16: 'complex128',
};

const broken = (message: string, byte?: number): CnnxError =>
  new CnnxError('npy/format', message, { at: { byte }, hint: 'write the file again with numpy.save' });

/** Whether bytes begin as an .npy file does. */
export const isNpy = (head: Uint8Array): boolean => MAGIC.every((b, i) => head[i] === b);

/** Reads one array; bytes in the other order, and elements in Fortran's, are put right. Throws `npy/format`. */
export function readNpy(input: Uint8Array | ByteSource): Tensor {
  const source = input instanceof Uint8Array ? memorySource(input) : input;
  if (source.size < 10 || !isNpy(source.read(0, MAGIC.length)))
    throw broken('not an .npy file: its first bytes are not \\x93NUMPY', 0);
  const [major = 0] = source.read(6, 1);
  if (major < 1 || major > 3) throw broken(`.npy version ${major}; 1 to 3 are defined`, 6);
  const prefix = major === 1 ? 10 : 12;
  if (source.size < prefix) throw broken(`the file ends at ${source.size}, inside its header`);
  const view = dataView(source.read(8, prefix - 8));
  const length = major === 1 ? view.getUint16(0, true) : view.getUint32(0, true);
  if (length > MAX_HEADER) throw broken(`a header of ${length} bytes; at most ${MAX_HEADER} are read`, 8);
  if (prefix + length > source.size) throw broken(`a header of ${length} bytes in a file of ${source.size}`, 8);
  const header = parseHeader(new TextDecoder('latin1').decode(source.read(prefix, length)));
  const expected = bytesOf(header.dtype, elementCount(header.shape));
  const at = prefix + length;
  if (source.size - at !== expected)
    throw broken(`${header.dtype}[${header.shape.join(',')}] takes ${expected} bytes; ${source.size - at} follow`, at);
  const bytes = source.read(at, expected);
  const ordered = header.swapped ? swapped(bytes, header.dtype) : bytes;
  return tensor(
    header.dtype,
    header.shape,
    header.fortran ? rowMajor(ordered, DTYPE_BITS[header.dtype] / 8, header.shape) : ordered,
  );
}

interface Header {
  readonly dtype: DType;
  readonly swapped: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

function parseHeader(text: string): Header {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined)
    throw broken(`a header without descr, fortran_order or shape: ${printable(text.trim())}`);
  const dtype = Object.hasOwn(KINDS, descr.slice(1)) ? KINDS[descr.slice(1)] : undefined;
  if (!dtype || !/^[<>|=]/.test(descr))
    throw broken(`elements of type ${printable(descr)}; numbers and booleans can be read`);
  const dims = shape.split(',').flatMap((d) => (d.trim() === '' ? [] : [Number.parseInt(d, 10)]));
  if (dims.length > MAX_RANK || !Number.isSafeInteger(elementCount(dims)))
    throw broken(`a shape of ${dims.length} dimensions and ${elementCount(dims)} elements`);
  return { dtype, swapped: descr.startsWith('>'), fortran: order === 'True' && dims.length > 1, shape: dims };
}

const dataView = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

/** The other byte order. A complex number is two numbers. */
function swapped(bytes: Uint8Array, dtype: DType): Uint8Array {
  const width = DTYPE_BITS[dtype] / (dtype.startsWith('complex') ? 16 : 8);
  return bytes.map((_, i) => bytes[i - 2 * (i % width) + width - 1] ?? 0);
}

/** Elements whose first index runs fastest, put so that the last one does. */
function rowMajor(bytes: Uint8Array, width: number, shape: readonly number[]): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const steps = shape.map((_, axis) => width * elementCount(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  for (let at = 0; at < out.length; at += width) {
    const from = index.reduce((sum, i, axis) => sum + i * (steps[axis] ?? 0), 0);
    out.set(bytes.subarray(from, from + width), at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return out;
}

/** An .npy file of a tensor, as numpy.save writes it. Throws `npy/format` for types that NumPy does not have. */
export function writeNpy(t: Tensor): Chunk[] {
  const kind = Object.entries(KINDS).find(([, dtype]) => dtype === t.dtype)?.[0];
  if (kind === undefined) throw new CnnxError('npy/format', `NumPy has no elements of type ${t.dtype}`);
  const order = DTYPE_BITS[t.dtype] === 8 ? '|' : '<';
  const shape = t.shape.length === 1 ? `${t.shape[0]},` : t.shape.join(', ');
  const text = `{'descr': '${order}${kind}', 'fortran_order': False, 'shape': (${shape}), }`;
  const length = Math.ceil((10 + text.length + 1) / ALIGN) * ALIGN - 10;
  const head = new Uint8Array(10 + length);
  head.set(MAGIC);
  head[6] = 1;
  dataView(head).setUint16(8, length, true);
  head.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  return [head, t.bytes()];
}
