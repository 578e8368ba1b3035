import { type ByteSource, ByteRange, type Chunk } from '../base/bytes.js';
import { CnnxError, type ErrorCode } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { rangeTensor, type Tensor, tensorChunk } from '../tensor/tensor.js';
import { entriesOf, isObject } from './json.js';
import type { StateDict } from './state-dict.js';

/**
 * safetensors' element types (safetensors/src/tensor.rs, enum Dtype) and ours. Six-bit floats have no counterpart in
 * ONNX.
 */
const TYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['BF16', 'bfloat16'],
  ['BOOL', 'bool'],
  ['C64', 'complex64'],
  ['F16', 'float16'],
  ['F32', 'float32'],
  ['F4', 'float4e2m1'],
  ['F64', 'float64'],
  ['F8_E4M3', 'float8e4m3fn'],
  ['F8_E4M3FNUZ', 'float8e4m3fnuz'],
  ['F8_E5M2', 'float8e5m2'],
  ['F8_E5M2FNUZ', 'float8e5m2fnuz'],
  ['F8_E8M0', 'float8e8m0'],
  ['I16', 'int16'],
  ['I32', 'int32'],
  ['I64', 'int64'],
  ['I8', 'int8'],
  ['U16', 'uint16'],
  ['U32', 'uint32'],
  ['U64', 'uint64'],
  ['U8', 'uint8'],
]);
const NAMES: ReadonlyMap<DType, string> = new Map([...TYPES].map(([name, dtype]) => [dtype, name]));

const METADATA = '__metadata__';

interface Entry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * A safetensors file: the header's length in eight bytes, a JSON header, then the data, which the tensors cover without
 * gap or overlap. Only the header is read; tensors are ranges of the file. Throws `safetensors/...`.
 */
export function readSafetensors(source: ByteSource): StateDict {
  const { fields, dataAt } = readHeader(source);
  const metadata = new Map<string, string>();
  const entries = new Map<string, Entry>();
  for (const [name, value] of fields) {
    if (name === METADATA) readMetadata(value, metadata);
    else entries.set(name, readEntry(name, value));
  }
  refuseGaps(entries, source.size - dataAt);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    tensors.set(name, rangeTensor(dtype, shape, new ByteRange(source, dataAt + begin, end - begin)));
  }
  return { format: 'safetensors', tensors, metadata };
}

function readHeader(source: ByteSource): { fields: ReadonlyMap<string, unknown>; dataAt: number } {
  if (source.size < 8)
    throw problem('safetensors/truncated', `it has ${source.size} bytes; the length of its header takes 8`, 0);
  const start = new ByteRange(source, 0, 8).bytes();
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(LIMITS.safetensorsHeader)) {
    throw problem(
      'safetensors/header',
      `its header would have ${length} bytes; at most ${LIMITS.safetensorsHeader} are read`,
      0,
    );
  }
  const size = Number(length);
  if (size > source.size - 8) {
    throw problem('safetensors/truncated', `its header would have ${size} bytes; ${source.size - 8} follow`, 0);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new ByteRange(source, 8, size).bytes());
  } catch {
    throw problem('safetensors/header', 'its header is not UTF-8', 8);
  }
  const fields = text.startsWith('{') ? entriesOf(text) : undefined;
  if (!fields) throw problem('safetensors/header', 'its header is not a JSON object', 8);
  const { map, duplicate } = fields;
  if (duplicate !== undefined) throw problem('safetensors/header', `its header has ${printable(duplicate)} twice`, 8);
  return { fields: map, dataAt: 8 + size };
}

function readMetadata(value: unknown, into: Map<string, string>): void {
  if (!isObject(value)) throw problem('safetensors/header', `${METADATA} is not an object`, 8);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw problem('safetensors/header', `metadata ${printable(key)} is not a string`, 8);
    into.set(key, text);
  }
}

function readEntry(name: string, value: unknown): Entry {
  const at = { at: { field: printable(name) } };
  if (!isObject(value))
    throw new CnnxError('safetensors/header', 'a tensor is described by something that is not an object', at);
  const { dtype: typeName, shape, data_offsets: offsets } = value;
  const dtype = typeof typeName === 'string' ? TYPES.get(typeName) : undefined;
  if (!dtype)
    throw new CnnxError('safetensors/dtype', `element type ${printable(String(typeName), 40)} is not known`, at);
  if (!isSizes(shape) || shape.length > LIMITS.tensorRank) {
    throw new CnnxError(
      'safetensors/header',
      `the shape is not a list of at most ${LIMITS.tensorRank} whole numbers`,
      at,
    );
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw new CnnxError('safetensors/header', 'data_offsets is not a pair of whole numbers', at);
  }
  const [begin = 0, end = 0] = offsets;
  const bytes = bytesOf(dtype, elementCount(shape));
  if (end - begin !== bytes) {
    throw new CnnxError(
      'safetensors/offsets',
      `${dtype}[${shape.join(', ')}] takes ${bytes} bytes; data_offsets ${begin} to ${end} are ${end - begin}`,
      at,
    );
  }
  return { dtype, shape, begin, end };
}

function refuseGaps(entries: ReadonlyMap<string, Entry>, size: number): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, { begin, end }] of sorted) {
    if (begin !== at) {
      throw new CnnxError(
        'safetensors/offsets',
        `the data begins at ${begin}; ${at} was expected: tensors ${begin < at ? 'overlap' : 'leave a gap'}`,
        { at: { field: printable(name) } },
      );
    }
    at = end;
  }
  if (at > size) throw problem('safetensors/truncated', `its tensors take ${at} bytes; ${size} are there`, 0);
  if (at < size) throw problem('safetensors/offsets', `${size - at} bytes follow the last tensor`, 0);
}

/**
 * The file as pieces: the header in the order of the state dict, the data with the widest elements first, so that each
 * tensor is aligned to its element. Data is asked for when a piece is read. Throws `safetensors/dtype` for types that
 * the format lacks, `safetensors/name` for names that are not Unicode.
 */
export function writeSafetensors({ tensors, metadata }: Pick<StateDict, 'tensors' | 'metadata'>): Chunk[] {
  const byWidth = [...tensors].sort(([, a], [, b]) => width(b.dtype) - width(a.dtype));
  const offsets = new Map<string, number>();
  let end = 0;
  for (const [name, t] of byWidth) {
    offsets.set(name, end);
    end += t.byteLength;
  }
  const fields = [...tensors].map(([name, t]) => {
    const begin = offsets.get(name) ?? 0;
    return field(name, { dtype: typeName(name, t.dtype), shape: t.shape, data_offsets: [begin, begin + t.byteLength] });
  });
  if (metadata.size > 0) {
    fields.unshift(`"${METADATA}":{${[...metadata].map(([key, text]) => field(key, text)).join(',')}}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  return [head, ...byWidth.filter(([, t]) => t.byteLength > 0).map(([, t]) => tensorChunk(t))];
}

function field(name: string, value: unknown): string {
  if (/\p{Surrogate}/u.test(name)) {
    throw new CnnxError(
      'safetensors/name',
      `${printable(name)} is not valid Unicode, which safetensors asks of a name`,
    );
  }
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

function typeName(name: string, dtype: DType): string {
  const found = NAMES.get(dtype);
  if (found !== undefined && name !== METADATA) return found;
  const why = found === undefined ? `has no element type ${dtype}` : 'keeps that name for its metadata';
  throw new CnnxError('safetensors/dtype', `tensor ${printable(name)} cannot be written: safetensors ${why}`);
}

const width = (dtype: DType): number => bytesOf(dtype, 8);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
const problem = (code: ErrorCode, message: string, byte: number): CnnxError =>
  new CnnxError(code, `the safetensors file cannot be read: ${message}`, { at: { byte } });
