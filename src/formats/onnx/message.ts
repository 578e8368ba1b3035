import type { ByteRange, Chunk } from '../../base/bytes.js';
import type { Preserved } from '../../graph/attr.js';
import type { ValueInfo } from '../../graph/ir.js';
import { type FieldsOf, type IsEnum, type Kind, type MessageName, type MessageType, messageType } from './schema.js';
import type { Packed } from './packed.js';

/** What a decoded message holds for one field. Floats are bits: as numbers, signalling NaNs would not survive. */
type FieldValue<K> = K extends `${infer E}*`
  ? E extends 'string'
    ? readonly string[]
    : E extends 'bytes'
      ? readonly Chunk[]
      : E extends 'NodeProto'
        ? Iterable<Message<E>>
        : E extends MessageName
          ? readonly Message<E>[]
          : Packed
  : K extends 'string'
    ? string
    : K extends 'bytes'
      ? Chunk
      : K extends 'int64' | 'uint64'
        ? bigint
        : K extends MessageName
          ? Message<K>
          : IsEnum<K> extends true
            ? number
            : K extends 'int32' | 'float'
              ? number
              : never;

/** Absent fields are undefined, also repeated ones without elements. */
export type Fields<N extends MessageName> = { [F in keyof FieldsOf<N>]?: FieldValue<Kind<FieldsOf<N>[F]>> | undefined };

/** A decoded message: what is known by name, and the rest as its bytes. */
export interface Message<N extends MessageName = MessageName> {
  readonly name: N;
  readonly fields: Fields<N>;
  /** Unknown fields with their tags, in file order. */
  readonly unknown: readonly Chunk[] | undefined;
  /** Its bytes in the file, if they stand in one piece. */
  readonly span: ByteRange | undefined;
}

/** A message made by code; undefined fields are absent. */
export function message<N extends MessageName>(name: N, fields: Fields<N>, unknown?: readonly Chunk[]): Message<N> {
  return { name, fields, unknown, span: undefined };
}

/** The same message with some fields replaced, or removed by `undefined`. It has no place in the file. */
export const withFields = <N extends MessageName>(m: Message<N>, fields: Fields<N>): Message<N> =>
  message(m.name, { ...m.fields, ...fields }, m.unknown);

/** For code that goes through all fields of a message by the schema. */
export function entries(m: Message): { type: MessageType; values: Readonly<Record<string, unknown>> } {
  return { type: messageType(m.name), values: m.fields };
}

/** What the IR's objects keep of the file they came from. */
export class OnnxPreserved implements Preserved {
  readonly format = 'onnx';

  constructor(
    /** The bytes of an immutable thing in the file. */
    readonly span: ByteRange | undefined,
    /**
     * The whole message where the IR's form of an immutable thing says less; the fields without a name in the IR for an
     * editable one.
     */
    readonly message: Message | undefined,
    /**
     * What the message says of a declaration: an edit keeps what is preserved beside that, and the difference tells
     * what it changed.
     */
    readonly said?: ValueInfo | undefined,
  ) {}
}

/** What this format left on a thing: undefined for things that were made by code or edited since. */
export const preservedBy = (thing: { readonly preserved?: Preserved | undefined }): OnnxPreserved | undefined =>
  thing.preserved instanceof OnnxPreserved ? thing.preserved : undefined;

/** The preserved message, if it is of the type asked for. */
export function preservedMessage<N extends MessageName>(
  thing: { readonly preserved?: Preserved | undefined },
  name: N,
): Message<N> | undefined {
  const m = preservedBy(thing)?.message;
  return m?.name === name ? (m as Message<N>) : undefined;
}
