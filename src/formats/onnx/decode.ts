import { ByteRange, type ByteSource, type Chunk } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import type { Limits } from '../../base/limits.js';
import { Cursor } from './cursor.js';
import type { Message } from './message.js';
import { Packed } from './packed.js';
import { type Field, type MessageName, type MessageType, messageType } from './schema.js';
import { END_GROUP, FIXED32, FIXED64, LENGTH, START_GROUP, VARINT } from './wire.js';

/**
 * Decodes a message as protobuf's own parsers do: of a repeated scalar the last counts, sub-messages merge, what is
 * unknown is kept.
 */
export function decode<N extends MessageName>(source: ByteSource, name: N, limits: Limits): Message<N> {
  const root = open(messageType(name), new ByteRange(source, 0, source.size));
  new Decoder(new Cursor(source, 0), limits, false).message(root, source.size, 0);
  return root as Message as Message<N>;
}

/**
 * Decodes a model. Nodes, but for those inside other nodes, are decoded when somebody goes over them: a large graph is
 * never there as messages.
 */
export function decodeModel(source: ByteSource, limits: Limits): Message<'ModelProto'> {
  const root = open(messageType('ModelProto'), new ByteRange(source, 0, source.size));
  new Decoder(new Cursor(source, 0), limits, true).message(root, source.size, 0);
  return root as Message as Message<'ModelProto'>;
}

/** How deep the nodes stand that are decoded one by one: in the graph or a function, which are in the model. */
const NODE_DEPTH = 2;

/** A message while it is read. */
interface Draft {
  readonly type: MessageType;
  readonly name: MessageName;
  readonly fields: Record<string, unknown>;
  unknown: Chunk[] | undefined;
  span: ByteRange | undefined;
}

const open = (type: MessageType, span: ByteRange): Draft => ({
  type,
  name: type.name,
  fields: {},
  unknown: undefined,
  span,
});

/** Nodes that are not decoded yet, by their places in the file. */
class UnreadNodes implements Iterable<Message<'NodeProto'>> {
  readonly #starts: number[] = [];
  readonly #sizes: number[] = [];

  constructor(private readonly decoder: Decoder) {}

  push(at: number, size: number): void {
    this.#starts.push(at);
    this.#sizes.push(size);
  }

  *[Symbol.iterator](): Generator<Message<'NodeProto'>, void, undefined> {
    for (const [i, at] of this.#starts.entries()) yield this.decoder.node(at, this.#sizes[i] ?? 0);
  }
}

class Decoder {
  constructor(
    readonly cursor: Cursor,
    readonly limits: Limits,
    readonly oneByOne: boolean,
  ) {}

  node(at: number, size: number): Message<'NodeProto'> {
    const { cursor } = this;
    const draft = open(messageType('NodeProto'), new ByteRange(cursor.source, at, size));
    cursor.at = at;
    this.message(draft, at + size, NODE_DEPTH);
    return draft as Message as Message<'NodeProto'>;
  }

  /** Recursion goes no deeper than `limits.messageDepth`. */
  message(draft: Draft, end: number, depth: number): void {
    const { cursor } = this;
    if (depth > this.limits.messageDepth) {
      throw new CnnxError('onnx/depth', `messages are nested deeper than ${this.limits.messageDepth}`, {
        at: { byte: cursor.at },
      });
    }
    while (cursor.at < end) {
      const start = cursor.at;
      const tag = cursor.tag(end);
      const field = draft.type.byNumber[tag >>> 3];
      if (field && this.#known(draft, field, tag & 7, end, depth)) continue;
      this.#skip(tag, end);
      const size = cursor.at - start;
      cursor.at = start;
      draft.unknown ??= [];
      draft.unknown.push(cursor.take(size));
    }
  }

  /**
   * Reads a field of the schema. False, with nothing read, when its wire type or an enumeration's value is not the
   * schema's.
   */
  #known(draft: Draft, field: Field, wire: number, end: number, depth: number): boolean {
    switch (field.kind) {
      case 'string':
      case 'bytes':
      case 'message':
        return wire === LENGTH && this.#delimited(draft, field, end, depth);
      case 'enum':
        return wire === VARINT && this.#enum(draft, field, end);
      default:
        return field.repeated ? this.#numbers(draft, field, wire, end) : this.#number(draft, field, wire, end);
    }
  }

  #delimited(draft: Draft, field: Field, end: number, depth: number): boolean {
    const { cursor } = this;
    const size = cursor.length(end);
    if (field.message) {
      const at = cursor.at;
      if (this.oneByOne && depth + 1 === NODE_DEPTH && field.message.name === 'NodeProto') {
        this.#unread(draft, field).push(at, size);
        cursor.at += size;
        return true;
      }
      const span = new ByteRange(cursor.source, at, size);
      const before = field.repeated ? undefined : draft.fields[field.name];
      const inner = isDraft(before) ? before : open(field.message, span);
      if (before !== undefined) inner.span = undefined;
      else this.#put(draft, field, inner);
      this.message(inner, at + size, depth + 1);
    } else if (field.kind === 'string') {
      if (size > this.limits.text) {
        throw new CnnxError('onnx/limit', `a text of ${size} bytes; the limit is ${this.limits.text}`, {
          at: { byte: cursor.at },
        });
      }
      this.#put(draft, field, cursor.text(size));
    } else this.#put(draft, field, cursor.take(size));
    return true;
  }

  #unread(draft: Draft, field: Field): UnreadNodes {
    const before = draft.fields[field.name];
    if (before instanceof UnreadNodes) return before;
    const nodes = new UnreadNodes(this);
    draft.fields[field.name] = nodes;
    return nodes;
  }

  #put(draft: Draft, field: Field, value: unknown): void {
    if (field.repeated) {
      const list = draft.fields[field.name];
      if (Array.isArray(list)) list.push(value);
      else draft.fields[field.name] = [value];
      return;
    }
    if (field.oneof)
      for (const other of draft.type.fields) if (other.oneof && other !== field) delete draft.fields[other.name];
    draft.fields[field.name] = value;
  }

  #enum(draft: Draft, field: Field, end: number): boolean {
    const { cursor } = this;
    const at = cursor.at;
    cursor.varint(end);
    if (cursor.low > field.max) {
      cursor.at = at;
      return false;
    }
    this.#put(draft, field, cursor.low);
    return true;
  }

  #number(draft: Draft, field: Field, wire: number, end: number): boolean {
    const { cursor } = this;
    if (wire !== wireOf(field)) return false;
    if (field.kind === 'float') {
      const bits = this.#fixed(4, end);
      this.#put(draft, field, new DataView(bits.buffer, bits.byteOffset).getUint32(0, true));
      return true;
    }
    cursor.varint(end);
    if (field.kind === 'int32') this.#put(draft, field, cursor.low | 0);
    else {
      const value = (BigInt(cursor.high) << 32n) | BigInt(cursor.low);
      this.#put(draft, field, BigInt.asIntN(64, value));
    }
    return true;
  }

  #numbers(draft: Draft, field: Field, wire: number, end: number): boolean {
    const { cursor } = this;
    const native = wireOf(field);
    if (wire !== native && wire !== LENGTH) return false;
    if (wire === LENGTH) {
      const size = cursor.length(end);
      const at = cursor.at;
      const count = native === VARINT ? cursor.countVarints(at + size) : this.#fixedCount(native, size);
      cursor.at = at;
      if (size > 0) this.#list(draft, field).push(cursor.take(size), count);
    } else if (native === VARINT) {
      cursor.varint(end);
      this.#list(draft, field).varint(cursor.low, cursor.high);
    } else this.#list(draft, field).fixed(this.#fixed(native === FIXED32 ? 4 : 8, end));
    return true;
  }

  #list(draft: Draft, field: Field): Packed {
    const before = draft.fields[field.name];
    if (before instanceof Packed) return before;
    const list = new Packed(field.kind as Packed['kind']);
    draft.fields[field.name] = list;
    return list;
  }

  #fixedCount(native: number, size: number): number {
    const width = native === FIXED32 ? 4 : 8;
    if (size % width !== 0) {
      throw new CnnxError('onnx/wire', `a list of ${width}-byte numbers has ${size} bytes`, {
        at: { byte: this.cursor.at },
      });
    }
    return size / width;
  }

  #fixed(size: 4 | 8, end: number): Uint8Array {
    const { cursor } = this;
    const at = cursor.at;
    cursor.skip(size, end);
    cursor.at = at;
    return this.#bytes(size);
  }

  #bytes(size: number): Uint8Array {
    const chunk = this.cursor.take(size);
    return chunk instanceof ByteRange ? chunk.bytes() : chunk;
  }

  /** Goes over a field that is not in the schema. Groups may hold groups, as deep as messages may. */
  #skip(tag: number, end: number): void {
    const { cursor } = this;
    const groups: number[] = [];
    for (let t = tag; ; t = cursor.tag(end)) {
      const at = cursor.at;
      switch (t & 7) {
        case VARINT:
          cursor.varint(end);
          break;
        case FIXED64:
          cursor.skip(8, end);
          break;
        case LENGTH:
          cursor.skip(cursor.length(end), end);
          break;
        case START_GROUP:
          groups.push(t >>> 3);
          if (groups.length > this.limits.messageDepth) {
            throw new CnnxError('onnx/depth', `groups are nested deeper than ${this.limits.messageDepth}`, {
              at: { byte: at },
            });
          }
          break;
        case END_GROUP:
          if (groups.pop() !== t >>> 3) {
            throw new CnnxError('onnx/wire', `a group numbered ${t >>> 3} ends that did not begin`, {
              at: { byte: at },
            });
          }
          break;
        case FIXED32:
          cursor.skip(4, end);
          break;
      }
      if (groups.length === 0) return;
    }
  }
}

function wireOf(field: Field): number {
  if (field.kind === 'float') return FIXED32;
  return field.kind === 'double' ? FIXED64 : VARINT;
}

const isDraft = (x: unknown): x is Draft => typeof x === 'object' && x !== null && 'type' in x && 'fields' in x;
