import { type Chunk, chunkBytes } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Attr, AttrKind, SparseTensor } from '../../graph/attr.js';
import type { Graph } from '../../graph/ir.js';
import { mutable } from '../../graph/mutate.js';
import type { ValueType } from '../../graph/types.js';
import { preservedMessage, type Message, message, OnnxPreserved, withFields } from './message.js';
import { Packed } from './packed.js';
import { ATTRIBUTE_TYPE } from './schema.js';
import { type OnnxTensor, tensorMessage } from './tensor.js';
import { preserve, readType, same, typeMessage } from './types.js';

/** What an attribute's contents need to become parts of the IR. */
export interface AttrContext {
  tensor(m: Message<'TensorProto'>): OnnxTensor;
  graph(m: Message<'GraphProto'>): Graph;
}

const KINDS = new Map<number, AttrKind>(
  Object.entries(ATTRIBUTE_TYPE).map(([kind, code]): [number, AttrKind] => [code, kind as AttrKind]),
);

/** An attribute of the IR. What its form there cannot say (no type, as before IR version 2; a second value) it carries. */
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

/** The field that holds an attribute's content. */
const CONTENT = {
  float: 'f',
  int: 'i',
  string: 's',
  tensor: 't',
  graph: 'g',
  floats: 'floats',
  ints: 'ints',
  strings: 'strings',
  tensors: 'tensors',
  graphs: 'graphs',
  sparse_tensor: 'sparse_tensor',
  sparse_tensors: 'sparse_tensors',
  type: 'tp',
  types: 'type_protos',
} as const;

const LISTS: ReadonlySet<AttrKind> = new Set([
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse_tensors',
  'types',
]);

/** Whether the IR's attribute would be written as the message that it came from: name, type and content, and nothing else. */
function isExact(m: Message<'AttributeProto'>, attr: Attr): boolean {
  if (attr.kind === 'ref' || attr.kind === 'undefined') return same(m, attrMessage(attr));
  const content = CONTENT[attr.kind];
  if (m.unknown || m.fields.name === undefined || m.fields.type !== ATTRIBUTE_TYPE[attr.kind]) return false;
  if (m.fields[content] === undefined && !LISTS.has(attr.kind)) return false;
  for (const name in m.fields)
    if (name !== content && name !== 'name' && name !== 'type' && name !== 'doc_string') return false;
  return (attr.kind !== 'type' && attr.kind !== 'types') || same(m, attrMessage(attr));
}

function readContent(m: Message<'AttributeProto'>, context: AttrContext): Attr {
  const f = m.fields;
  const base = { name: f.name ?? '', docString: f.doc_string };
  if (f.ref_attr_name !== undefined && f.ref_attr_name !== '') return { ...base, kind: 'ref', ref: f.ref_attr_name };
  const kind = f.type === undefined ? kindOfContent(m) : (KINDS.get(f.type) ?? 'undefined');
  switch (kind) {
    case 'float':
      return { ...base, kind, bits: f.f ?? 0 };
    case 'int':
      return { ...base, kind, value: f.i ?? 0n };
    case 'string':
      return { ...base, kind, value: f.s ? chunkBytes(f.s) : new Uint8Array(0) };
    case 'tensor':
      return f.t ? { ...base, kind, value: context.tensor(f.t) } : { ...base, kind: 'undefined' };
    case 'graph':
      return f.g ? { ...base, kind, value: context.graph(f.g) } : { ...base, kind: 'undefined' };
    case 'sparse_tensor':
      return f.sparse_tensor
        ? { ...base, kind, value: readSparse(f.sparse_tensor, context) }
        : { ...base, kind: 'undefined' };
    case 'type':
      return typeAttr(base, f.tp);
    case 'floats':
      return { ...base, kind, values: f.floats?.float32s() ?? new Float32Array(0) };
    case 'ints':
      return { ...base, kind, values: f.ints?.int64s() ?? new BigInt64Array(0) };
    case 'strings':
      return { ...base, kind, values: (f.strings ?? []).map(chunkBytes) };
    case 'tensors':
      return { ...base, kind, values: (f.tensors ?? []).map((t) => context.tensor(t)) };
    case 'graphs':
      return { ...base, kind, values: (f.graphs ?? []).map((g) => context.graph(g)) };
    case 'sparse_tensors':
      return { ...base, kind, values: (f.sparse_tensors ?? []).map((s) => readSparse(s, context)) };
    case 'types': {
      const values = (f.type_protos ?? []).map(readType);
      return values.every((t): t is ValueType => t !== undefined)
        ? { ...base, kind, values }
        : { ...base, kind: 'undefined' };
    }
    default:
      return { ...base, kind: 'undefined' };
  }
}

function typeAttr(base: { name: string; docString: string | undefined }, m: Message<'TypeProto'> | undefined): Attr {
  const value = m && readType(m);
  return value ? { ...base, kind: 'type', value } : { ...base, kind: 'undefined' };
}

/** Before IR version 2 attributes had no type: the one field that is there says it. */
function kindOfContent({ fields: f }: Message<'AttributeProto'>): AttrKind {
  if (f.f !== undefined) return 'float';
  if (f.i !== undefined) return 'int';
  if (f.s !== undefined) return 'string';
  if (f.t) return 'tensor';
  if (f.g) return 'graph';
  if (f.floats) return 'floats';
  if (f.ints) return 'ints';
  if (f.strings) return 'strings';
  if (f.tensors) return 'tensors';
  if (f.graphs) return 'graphs';
  if (f.sparse_tensor) return 'sparse_tensor';
  if (f.sparse_tensors) return 'sparse_tensors';
  if (f.tp) return 'type';
  return f.type_protos ? 'types' : 'undefined';
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
  const content = contentOf(attr);
  const type = attr.kind === 'ref' || attr.kind === 'undefined' ? undefined : ATTRIBUTE_TYPE[attr.kind];
  return message('AttributeProto', { name: attr.name, doc_string: attr.docString, type, ...content });
}

function contentOf(attr: Attr): Message<'AttributeProto'>['fields'] {
  switch (attr.kind) {
    case 'float':
      return { f: attr.bits };
    case 'int':
      return { i: attr.value };
    case 'string':
      return { s: attr.value };
    case 'tensor':
      return { t: tensorMessage(attr.value) };
    case 'sparse_tensor':
      return { sparse_tensor: sparseMessage(attr.value) };
    case 'type':
      return { tp: typeMessage(attr.value) };
    case 'floats':
      return { floats: Packed.ofFloats(attr.values) };
    case 'ints':
      return { ints: Packed.ofInt64(attr.values) };
    case 'strings':
      return { strings: list<Chunk>(attr.values) };
    case 'tensors':
      return { tensors: list(attr.values.map((t) => tensorMessage(t))) };
    case 'sparse_tensors':
      return { sparse_tensors: list(attr.values.map((s) => sparseMessage(s))) };
    case 'types':
      return { type_protos: list(attr.values.map(typeMessage)) };
    case 'ref':
      return { ref_attr_name: attr.ref };
    case 'graph':
    case 'graphs':
    case 'undefined':
      return {};
  }
}

const list = <T>(values: readonly T[]): readonly T[] | undefined => (values.length > 0 ? values : undefined);
