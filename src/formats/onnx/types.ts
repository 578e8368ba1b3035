import { ByteRange, type Chunk, chunkBytes, sameBytes } from '../../base/bytes.js';
import { type DType, DTYPES, dtypeCode, dtypeOfCode } from '../../tensor/dtype.js';
import type { MetadataEntry } from '../../graph/attr.js';
import type { OpsetImport, ValueInfo } from '../../graph/ir.js';
import type { Dim, ValueType } from '../../graph/types.js';
import { preservedBy, preservedMessage, entries, type Message, message, OnnxPreserved, withFields } from './message.js';
import { Packed } from './packed.js';

/*
 * The immutable parts of the IR, to and from messages. Where the IR's form would be written as another message than the
 * file has (a denotation, an explicit empty name), the thing carries the file's message; otherwise only its place.
 */

/** What an IR thing carries: its place in the file, and `m` unless `own`, the message of its IR form, says the same. */
export const preserve = (m: Message, own: Message): OnnxPreserved =>
  new OnnxPreserved(m.span, same(m, own) ? undefined : m);

/** Whether two messages would be written alike. */
export function same(a: Message, b: Message): boolean {
  if (a.name !== b.name || a.unknown || b.unknown) return false;
  const other = entries(b).values;
  const { type, values } = entries(a);
  return type.fields.every((f) => sameValue(values[f.name], other[f.name]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => sameValue(x, b[i]));
  if (a instanceof Packed && b instanceof Packed)
    return a.count === b.count && a.kind === b.kind && sameBytes(joined(a), joined(b));
  if (isChunk(a) && isChunk(b)) return sameBytes(chunkBytes(a), chunkBytes(b));
  return isMessage(a) && isMessage(b) && same(a, b);
}

const isChunk = (x: object | null): x is Chunk => x instanceof Uint8Array || x instanceof ByteRange;
const isMessage = (x: object | null): x is Message => x !== null && 'fields' in x;
const joined = (p: Packed): Uint8Array => p.bytes(p.kind === 'float' || p.kind === 'int32' ? 4 : 8);

const NO_METADATA: readonly MetadataEntry[] = [];

export function readMetadata(list: readonly Message<'StringStringEntryProto'>[] | undefined): readonly MetadataEntry[] {
  if (!list) return NO_METADATA;
  return list.map((m) => {
    const entry = { key: m.fields.key ?? '', value: m.fields.value ?? '' };
    return { ...entry, preserved: preserve(m, message('StringStringEntryProto', entry)) };
  });
}

export const metadataMessage = (e: MetadataEntry): Message<'StringStringEntryProto'> =>
  preservedMessage(e, 'StringStringEntryProto') ?? message('StringStringEntryProto', { key: e.key, value: e.value });

export function readImports(list: readonly Message<'OperatorSetIdProto'>[] | undefined): readonly OpsetImport[] {
  return (list ?? []).map((m) => {
    const { domain, version } = m.fields;
    return { domain, version, preserved: preserve(m, message('OperatorSetIdProto', { domain, version })) };
  });
}

export const importMessage = (i: OpsetImport): Message<'OperatorSetIdProto'> =>
  preservedMessage(i, 'OperatorSetIdProto') ?? message('OperatorSetIdProto', { domain: i.domain, version: i.version });

export function readInfo(m: Message<'ValueInfoProto'>): ValueInfo {
  const { name, type, doc_string, metadata_props } = m.fields;
  const info = {
    name: name ?? '',
    type: type && readType(type),
    docString: doc_string,
    ...(metadata_props && { metadata: readMetadata(metadata_props) }),
  };
  const own = plainInfoMessage(info);
  return { ...info, preserved: new OnnxPreserved(m.span, same(m, own) ? undefined : m, info) };
}

/** Whether a declaration says what it said in the file. */
export function isAsRead(info: ValueInfo): boolean {
  const said = preservedBy(info)?.said;
  if (!said || said.name !== info.name || said.type !== info.type) return false;
  return said.docString === info.docString && said.metadata === info.metadata;
}

/**
 * The message of a declaration. One that was edited keeps what the file says beside them: denotations, of dimensions
 * too.
 */
export function infoMessage(info: ValueInfo): Message<'ValueInfoProto'> {
  const before = preservedMessage(info, 'ValueInfoProto');
  if (!before) return plainInfoMessage(info);
  if (isAsRead(info)) return before;
  const type = info.type && typeMessage(info.type);
  return withFields(before, {
    name: info.name,
    doc_string: info.docString,
    metadata_props: info.metadata?.map(metadataMessage),
    type: info.type === preservedBy(info)?.said?.type ? before.fields.type : type && denoted(type, before.fields.type),
  });
}

const plainInfoMessage = (info: ValueInfo): Message<'ValueInfoProto'> =>
  message('ValueInfoProto', {
    name: info.name,
    type: info.type && typeMessage(info.type),
    doc_string: info.docString,
    metadata_props: info.metadata?.map(metadataMessage),
  });

/** A tensor's type with the denotations of the one before, of dimensions if the rank is the same. */
function denoted(type: Message<'TypeProto'>, before: Message<'TypeProto'> | undefined): Message<'TypeProto'> {
  const tensor = type.fields.tensor_type;
  const dims = tensor?.fields.shape?.fields.dim;
  const dimsBefore = before?.fields.tensor_type?.fields.shape?.fields.dim;
  const denotation = before?.fields.denotation;
  if (!tensor || !dims || dims.length !== dimsBefore?.length) return withFields(type, { denotation });
  const dim = dims.map((d, i) => withFields(d, { denotation: dimsBefore[i]?.fields.denotation }));
  return withFields(type, {
    denotation,
    tensor_type: withFields(tensor, { shape: message('TensorShapeProto', { dim }) }),
  });
}

/** Undefined for a message that names no kind of type. */
export function readType({ fields }: Message<'TypeProto'>): ValueType | undefined {
  if (fields.tensor_type) return readTensorType('tensor', fields.tensor_type);
  if (fields.sparse_tensor_type) return readTensorType('sparse_tensor', fields.sparse_tensor_type);
  if (fields.sequence_type) return { kind: 'sequence', elem: inner(fields.sequence_type.fields.elem_type) };
  if (fields.optional_type) return { kind: 'optional', elem: inner(fields.optional_type.fields.elem_type) };
  if (fields.map_type) {
    const { key_type, value_type } = fields.map_type.fields;
    return { kind: 'map', key: dtypeOfCode(key_type ?? 0), value: inner(value_type) };
  }
  return fields.opaque_type ? { kind: 'opaque' } : undefined;
}

const inner = (m: Message<'TypeProto'> | undefined): ValueType | undefined => m && readType(m);

function readTensorType(kind: 'tensor' | 'sparse_tensor', { fields }: Message<'TypeTensor'>): ValueType {
  const dtype = dtypeOfCode(fields.elem_type ?? 0);
  return fields.shape ? { kind, dtype, shape: (fields.shape.fields.dim ?? []).map(readDim) } : { kind, dtype };
}

/** A negative size, or one beyond 2^53, is none that a tensor can have: unknown. So is an empty name. */
function readDim({ fields }: Message<'Dimension'>): Dim {
  if (fields.dim_value !== undefined) {
    const size = Number(fields.dim_value);
    return size >= 0 && Number.isSafeInteger(size) ? size : undefined;
  }
  return fields.dim_param === '' ? undefined : fields.dim_param;
}

export function typeMessage(t: ValueType): Message<'TypeProto'> {
  switch (t.kind) {
    case 'tensor':
      return message('TypeProto', { tensor_type: tensorTypeMessage(t.dtype, t.shape) });
    case 'sparse_tensor':
      return message('TypeProto', { sparse_tensor_type: tensorTypeMessage(t.dtype, t.shape) });
    case 'sequence':
      return message('TypeProto', { sequence_type: elementMessage(t.elem) });
    case 'optional':
      return message('TypeProto', { optional_type: elementMessage(t.elem) });
    case 'map':
      return message('TypeProto', {
        map_type: message('TypeMap', { key_type: dtypeCode(t.key), value_type: t.value && typeMessage(t.value) }),
      });
    case 'opaque':
      return message('TypeProto', { opaque_type: message('TypeOpaque', {}) });
  }
}

const elementMessage = (t: ValueType | undefined): Message<'TypeElement'> =>
  message('TypeElement', { elem_type: t && typeMessage(t) });

function tensorTypeMessage(dtype: DType, shape: readonly Dim[] | undefined): Message<'TypeTensor'> {
  return message('TypeTensor', {
    elem_type: DTYPES.indexOf(dtype),
    shape: shape && message('TensorShapeProto', { dim: shape.length > 0 ? shape.map(dimMessage) : undefined }),
  });
}

function dimMessage(d: Dim): Message<'Dimension'> {
  if (typeof d === 'number') return message('Dimension', { dim_value: BigInt(d) });
  return message('Dimension', { dim_param: d });
}
