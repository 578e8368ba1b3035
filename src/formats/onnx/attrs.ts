import { type Chunk, chunkBytes } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Attr, AttrKind, SparseTensor } from '../../graph/attr.js';
import type { Graph } from '../../graph/ir.js';
import { mutable } from '../../graph/mutate.js';
import { type Fields, preservedMessage, type Message, message, OnnxPreserved, withFields } from './message.js';
import { Packed } from './packed.js';
import { ATTRIBUTE_TYPE } from './schema.js';
import { type OnnxTensor, tensorMessage } from './tensor.js';
import { preserve, readType, same, typeMessage } from './types.js';

/** What an attribute's contents need to become parts of the IR. */
export interface AttrContext {
  tensor(m: Message<'TensorProto'>): OnnxTensor;
  graph(m: Message<'GraphProto'>): Graph;
}

const NO_BYTES = new Uint8Array(0);

type AttrFields = Fields<'AttributeProto'>;
/** What stands in an attribute beside its content. */
type Base = Pick<Attr, 'name' | 'docString'>;
type ContentKind = keyof typeof ATTRIBUTE_TYPE;

/** One kind of attributes. */
interface Kind<K extends ContentKind, F extends keyof AttrFields> {
  /** The field that holds the content. */
  readonly field: F;
  /** Undefined when the file has none, and it must. */
  read(base: Base, content: AttrFields[F], context: AttrContext): Attr | undefined;
  /** Undefined for a list without elements. Graphs are written where they stand. */
  write(attr: Extract<Attr, { kind: K }>): AttrFields[F];
}

const kind = <const K extends ContentKind, F extends keyof AttrFields>(
  _kind: K,
  field: F,
  read: Kind<K, F>['read'],
  write: Kind<K, F>['write'],
): Kind<K, F> => ({ field, read, write });

/**
 * Every kind, in the order in which one is found for an attribute of before IR version 2, which does not say its kind.
 */
const KINDS = {
  float: kind(
    'float',
    'f',
    (base, f = 0) => ({ ...base, kind: 'float', bits: f }),
    (a) => a.bits,
  ),
  int: kind(
    'int',
    'i',
    (base, i = 0n) => ({ ...base, kind: 'int', value: i }),
    (a) => a.value,
  ),
  string: kind(
    'string',
    's',
    (base, s = NO_BYTES) => ({ ...base, kind: 'string', value: chunkBytes(s) }),
    (a) => a.value,
  ),
  tensor: kind(
    'tensor',
    't',
    (base, t, to) => t && { ...base, kind: 'tensor', value: to.tensor(t) },
    (a) => tensorMessage(a.value),
  ),
  graph: kind(
    'graph',
    'g',
    (base, g, to) => g && { ...base, kind: 'graph', value: to.graph(g) },
    () => undefined,
  ),
  floats: kind(
    'floats',
    'floats',
    (base, list) => ({ ...base, kind: 'floats', values: list?.float32s() ?? new Float32Array(0) }),
    (a) => Packed.ofFloats(a.values),
  ),
  ints: kind(
    'ints',
    'ints',
    (base, list) => ({ ...base, kind: 'ints', values: list?.int64s() ?? new BigInt64Array(0) }),
    (a) => Packed.ofInt64(a.values),
  ),
  strings: kind(
    'strings',
    'strings',
    (base, list = []) => ({ ...base, kind: 'strings', values: list.map(chunkBytes) }),
    (a) => present<Chunk>(a.values),
  ),
  tensors: kind(
    'tensors',
    'tensors',
    (base, list = [], to) => ({ ...base, kind: 'tensors', values: list.map((t) => to.tensor(t)) }),
    (a) => present(a.values.map((t) => tensorMessage(t))),
  ),
  graphs: kind(
    'graphs',
    'graphs',
    (base, list = [], to) => ({ ...base, kind: 'graphs', values: list.map((g) => to.graph(g)) }),
    () => undefined,
  ),
  sparse_tensor: kind(
    'sparse_tensor',
    'sparse_tensor',
    (base, s, to) => s && { ...base, kind: 'sparse_tensor', value: readSparse(s, to) },
    (a) => sparseMessage(a.value),
  ),
  sparse_tensors: kind(
    'sparse_tensors',
    'sparse_tensors',
    (base, list = [], to) => ({ ...base, kind: 'sparse_tensors', values: list.map((s) => readSparse(s, to)) }),
    (a) => present(a.values.map((s) => sparseMessage(s))),
  ),
  type: kind(
    'type',
    'tp',
    (base, m) => {
      const value = m && readType(m);
      return value && { ...base, kind: 'type', value };
    },
    (a) => typeMessage(a.value),
  ),
  types: kind(
    'types',
    'type_protos',
    (base, list = []) => {
      const values = list.map(readType);
      return values.every((t) => t !== undefined) ? { ...base, kind: 'types', values } : undefined;
    },
    (a) => present(a.values.map(typeMessage)),
  ),
} as const;

/** The same to code that takes any kind. */
interface AnyKind {
  readonly name: ContentKind;
  readonly field: keyof AttrFields;
  read(base: Base, content: unknown, context: AttrContext): Attr | undefined;
  write(attr: Attr): unknown;
}
const ALL: readonly AnyKind[] = Object.entries(KINDS).map(([name, k]) => ({
  ...(k as AnyKind),
  name: name as ContentKind,
}));
const BY_CODE = new Map(ALL.map((k) => [ATTRIBUTE_TYPE[k.name] as number, k]));
const BY_NAME = new Map<AttrKind, AnyKind>(ALL.map((k) => [k.name, k]));

/**
 * An attribute of the IR. What its form there cannot say (no type, as before IR version 2; a second value) it carries.
 */
export function readAttr(m: Message<'AttributeProto'>, context: AttrContext): Attr {
  const attr = readContent(m, context);
  const exact = isExact(m, attr);
  if (exact || (attr.kind !== 'graph' && attr.kind !== 'graphs')) {
    mutable(attr).preserved = new OnnxPreserved(m.span, exact ? undefined : m);
    return attr;
  }
  // Graphs can be edited, so the message must not hold them.
  const without = withFields(m, attr.kind === 'graph' ? { g: undefined } : { graphs: undefined });
  return { ...attr, preserved: new OnnxPreserved(m.span, without) };
}

/**
 * Whether the IR's attribute would be written as the message that it came from: name, type and content, and nothing
 * else.
 */
function isExact(m: Message<'AttributeProto'>, attr: Attr): boolean {
  const kind = BY_NAME.get(attr.kind);
  if (!kind) return same(m, attrMessage(attr));
  if (m.unknown || m.fields.name === undefined || m.fields.type !== ATTRIBUTE_TYPE[kind.name]) return false;
  if (m.fields[kind.field] === undefined && !('values' in attr)) return false;
  for (const name in m.fields)
    if (name !== kind.field && name !== 'name' && name !== 'type' && name !== 'doc_string') return false;
  return (attr.kind !== 'type' && attr.kind !== 'types') || same(m, attrMessage(attr));
}

function readContent(m: Message<'AttributeProto'>, context: AttrContext): Attr {
  const f = m.fields;
  const base = { name: f.name ?? '', docString: f.doc_string };
  if (f.ref_attr_name !== undefined && f.ref_attr_name !== '') return { ...base, kind: 'ref', ref: f.ref_attr_name };
  // Before IR version 2 attributes had no type: the one field that is there says it.
  const kind = f.type === undefined ? ALL.find((k) => f[k.field] !== undefined) : BY_CODE.get(f.type);
  return kind?.read(base, f[kind.field], context) ?? { ...base, kind: 'undefined' };
}

export function readSparse(m: Message<'SparseTensorProto'>, context: Pick<AttrContext, 'tensor'>): SparseTensor {
  const { values, indices, dims } = m.fields;
  if (!values || !indices) {
    throw new CnnxError('onnx/tensor', `a sparse tensor has no ${values ? 'indices' : 'values'}`, {
      at: { byte: m.span?.at, value: values?.fields.name },
    });
  }
  const sparse: SparseTensor = {
    values: context.tensor(values),
    indices: context.tensor(indices),
    dims: dims ? Array.from(dims.int64s(), Number) : [],
    name: values.fields.name,
  };
  const negative = sparse.dims.find((d) => d < 0);
  if (negative !== undefined) {
    throw new CnnxError('onnx/tensor', `sparse tensor ${printable(sparse.name ?? '')}: a dimension of ${negative}`, {
      at: { byte: m.span?.at, value: sparse.name },
    });
  }
  return { ...sparse, preserved: preserve(m, sparseMessage(sparse)) };
}

/** The message of a sparse tensor; `name` replaces the one it has. */
export function sparseMessage(s: SparseTensor, name = s.name): Message<'SparseTensorProto'> {
  const values = tensorMessage(s.values, name);
  const preserved = preservedMessage(s, 'SparseTensorProto');
  if (preserved) return values === preserved.fields.values ? preserved : withFields(preserved, { values });
  return message('SparseTensorProto', {
    values,
    indices: tensorMessage(s.indices),
    dims: Packed.ofInt64(s.dims.map(BigInt)),
  });
}

/** The message of an attribute, but for the graphs in it. */
export function attrMessage(attr: Attr): Message<'AttributeProto'> {
  const preserved = preservedMessage(attr, 'AttributeProto');
  if (preserved) return preserved;
  const { name, docString: doc_string } = attr;
  if (attr.kind === 'ref') return message('AttributeProto', { name, doc_string, ref_attr_name: attr.ref });
  const kind = BY_NAME.get(attr.kind);
  if (!kind) return message('AttributeProto', { name, doc_string });
  const fields = { name, doc_string, type: ATTRIBUTE_TYPE[kind.name], [kind.field]: kind.write(attr) };
  return message('AttributeProto', fields);
}

/** A list without elements is an absent field. */
const present = <T>(values: readonly T[]): readonly T[] | undefined => (values.length > 0 ? values : undefined);
