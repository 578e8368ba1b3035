import type { Preserved, Span } from '../../graph/attr.js';
import { FunctionDef, Graph, Model, Node } from '../../graph/ir.js';
import { type Fields, type Message, message, OnnxPreserved, preservedMessage } from './message.js';
import type { FieldsOf, MessageName } from './schema.js';
import { importMessage, metadataMessage, readImports, readMetadata } from './types.js';

/*
 * Which fields of ONNX's editable messages the IR holds, and where: one table a message, for the reader and the writer.
 * What no table has is preserved as it was read.
 */

/** A list of immutable things: the property that holds it, and its elements from messages and back. */
interface ListOf<P, M, E> {
  readonly property: P;
  readonly read: (messages: M) => readonly E[];
  readonly message: (element: E) => Message;
}

/** The properties of T that can hold a V. */
type PropertyFor<T, V> = { [P in keyof T]-?: V extends T[P] ? P : never }[keyof T];
/** The lists that a T can hold, with M in the file. */
type ListFor<T, M> = { [P in keyof T]-?: T[P] extends readonly (infer E)[] ? ListOf<P, M, E> : never }[keyof T];
type Value<N extends MessageName, F extends keyof Fields<N>> = Exclude<Fields<N>[F], undefined>;

interface Columns<N extends MessageName, T, P> {
  /** Fields that a property holds as they are. */
  readonly plain: { readonly [F in keyof Fields<N>]?: PropertyFor<T, Value<N, F>> };
  readonly lists: { readonly [F in keyof Fields<N>]?: ListFor<T, Value<N, F>> };
  /** Fields that reader and writer have code of their own for. */
  readonly parts: readonly P[];
}

/** What becomes of one field: a property, a list, or neither where it is a part. */
export interface Held {
  readonly property?: string | undefined;
  readonly read?: ((messages: never) => readonly unknown[]) | undefined;
  readonly message?: ((element: never) => Message) | undefined;
}

/** N: the message. T: the IR's object. P: the parts. */
export interface FieldTable<N extends MessageName, T, P extends keyof FieldsOf<N>> {
  readonly message: N;
  readonly held: ReadonlyMap<string, Held>;
  readonly of: new (...args: never) => T;
  readonly parts: readonly P[];
}

const table = <N extends MessageName, T, const P extends keyof FieldsOf<N>>(
  name: N,
  of: new (...args: never) => T,
  { plain, lists, parts }: Columns<N, T, P>,
): FieldTable<N, T, P> => ({
  message: name,
  of,
  parts,
  held: new Map<string, Held>([
    ...Object.entries(plain).map(([field, property]): [string, Held] => [field, { property: String(property) }]),
    ...Object.entries(lists).map(([field, list]): [string, Held] => [field, list as Held]),
    ...parts.map((field): [string, Held] => [String(field), {}]),
  ]),
});

const METADATA = { property: 'metadata', read: readMetadata, message: metadataMessage } as const;
const IMPORTS = { property: 'opsetImports', read: readImports, message: importMessage } as const;

export const MODEL = table('ModelProto', Model, {
  plain: {
    ir_version: 'irVersion',
    producer_name: 'producerName',
    producer_version: 'producerVersion',
    domain: 'domain',
    model_version: 'modelVersion',
    doc_string: 'docString',
  },
  lists: { opset_import: IMPORTS, metadata_props: METADATA },
  parts: ['graph', 'functions'],
});

export const FUNCTION = table('FunctionProto', FunctionDef, {
  plain: { name: 'name', domain: 'domain', overload: 'overload', doc_string: 'docString', attribute: 'attributes' },
  lists: { opset_import: IMPORTS, metadata_props: METADATA },
  parts: ['input', 'output', 'node', 'attribute_proto', 'value_info'],
});

export const GRAPH = table('GraphProto', Graph, {
  plain: { name: 'name', doc_string: 'docString' },
  lists: { metadata_props: METADATA },
  parts: ['node', 'initializer', 'sparse_initializer', 'input', 'output', 'value_info'],
});

export const NODE = table('NodeProto', Node, {
  plain: { name: 'name', domain: 'declaredDomain', overload: 'overload', doc_string: 'docString' },
  lists: { metadata_props: METADATA },
  parts: ['op_type', 'input', 'output', 'attribute'],
});

/** An object of the IR that a table is about. */
export interface Editable {
  readonly span: Span | undefined;
  readonly preserved: Preserved | undefined;
}

/**
 * Gives `thing` all that the table says of its message, its place in the file, and what is left to be preserved; but
 * for the parts.
 */
export function readFields<N extends MessageName, T extends Editable>(
  thing: T,
  m: Message<N>,
  { held }: FieldTable<N, T, keyof FieldsOf<N>>,
): void {
  const draft = thing as Record<string, unknown> & { -readonly [K in keyof Editable]: Editable[K] };
  const fields: Readonly<Record<string, unknown>> = m.fields;
  let rest: Record<string, unknown> | undefined;
  for (const name in fields) {
    const to = held.get(name);
    if (!to) {
      rest ??= {};
      rest[name] = fields[name];
    } else if (to.property !== undefined) draft[to.property] = to.read ? to.read(fields[name] as never) : fields[name];
  }
  draft.span = m.span;
  if (rest || m.unknown)
    draft.preserved = new OnnxPreserved(undefined, message(m.name, (rest ?? {}) as Fields<N>, m.unknown));
}

/** Preserves more fields of a thing's message. */
export function preserveAlso<N extends MessageName>(thing: Editable, name: N, fields: Fields<N>): void {
  const before = preservedMessage(thing, name);
  const all = message(name, { ...before?.fields, ...fields }, before?.unknown);
  (thing as { preserved: Preserved | undefined }).preserved = new OnnxPreserved(undefined, all);
}
