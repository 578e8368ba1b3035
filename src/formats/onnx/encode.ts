import { ByteRange, type ByteSource, type Chunk, chunkSize } from '../../base/bytes.js';
import { encodeName } from '../../base/text.js';
import { entries, type Message } from './message.js';
import { Packed } from './packed.js';
import type { Field } from './schema.js';
import { FIXED32, FIXED64, LENGTH, VARINT } from './wire.js';

/**
 * Payloads from here on become chunks of their own; smaller ones are copied, so that a file is not thousands of tiny
 * writes.
 */
const BY_REFERENCE = 16 * 1024;
const BUFFER = 64 * 1024;

/** How much of a file is read at once for the small ranges in it. */
const WINDOW = 1024 * 1024;

/** Up to here a loop is faster than the engine's own functions for many bytes. */
const SHORT_COPY = 64;
const SHORT_TEXT = 128;

/**
 * Writes protobuf from its end to its beginning. The length that stands before a message is then known when it is
 * written, however deep and large the message is, in one pass and without a buffer for any message. protobufjs's Writer
 * can neither do that nor take weights by reference.
 */
export class ReverseWriter {
  readonly #chunks: Chunk[] = [];
  #buffer = new Uint8Array(BUFFER);
  #at = BUFFER;
  #source: ByteSource | undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;
  /** Bytes written so far. */
  size = 0;

  #reserve(size: number): number {
    if (size > this.#at) {
      this.#flush();
      this.#buffer = new Uint8Array(BUFFER);
      this.#at = BUFFER;
    }
    this.#at -= size;
    this.size += size;
    return this.#at;
  }

  #flush(): void {
    if (this.#at < this.#buffer.length) this.#chunks.push(this.#buffer.subarray(this.#at));
    this.#buffer = this.#buffer.subarray(0, this.#at);
  }

  /** Up to 2^53. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
    let at = this.#reserve(size);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    this.#buffer[at] = rest;
  }

  bigVarint(value: bigint): void {
    if (value >= 0n && value <= Number.MAX_SAFE_INTEGER) return this.varint(Number(value));
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.bytes(Uint8Array.from(bytes));
  }

  fixed32(bits: number): void {
    const at = this.#reserve(4);
    for (let i = 0; i < 4; i++) this.#buffer[at + i] = (bits >>> (8 * i)) & 0xff;
  }

  bytes(chunk: Chunk): void {
    const size = chunkSize(chunk);
    if (size < BY_REFERENCE) {
      if (chunk instanceof ByteRange) this.#range(chunk);
      else this.copy(chunk, 0, size);
      return;
    }
    this.#flush();
    this.#at = this.#buffer.length;
    this.#chunks.push(chunk);
    this.size += size;
  }

  /** A few bytes out of many. */
  copy(from: Uint8Array, start: number, end: number): void {
    const at = this.#reserve(end - start);
    if (end - start > SHORT_COPY) this.#buffer.set(from.subarray(start, end), at);
    else for (let i = start; i < end; i++) this.#buffer[at + i - start] = from[i] ?? 0;
  }

  /**
   * Small ranges, as of nodes that nothing edited, come one before the other: the file is read in stretches, from the
   * end.
   */
  #range({ source, at, size }: ByteRange): void {
    if (source !== this.#source || at < this.#windowAt || at + size > this.#windowAt + this.#window.length) {
      this.#source = source;
      this.#windowAt = Math.max(0, at + size - WINDOW);
      this.#window = source.read(this.#windowAt, at + size - this.#windowAt);
    }
    this.copy(this.#window, at - this.#windowAt, at - this.#windowAt + size);
  }

  text(text: string): void {
    if (text.length > SHORT_TEXT || !isAscii(text)) return this.bytes(encodeName(text));
    const at = this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[at + i] = text.charCodeAt(i);
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  /** The length and the tag before what was written since `mark`, a `size` of then. */
  close(field: number, mark: number): void {
    this.varint(this.size - mark);
    this.tag(field, LENGTH);
  }

  delimited(field: number, chunk: Chunk): void {
    const mark = this.size;
    this.bytes(chunk);
    this.close(field, mark);
  }

  /** What was written, from its beginning. The writer is done. */
  finish(): Chunk[] {
    this.#flush();
    return this.#chunks.reverse();
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/**
 * Says what to write for a sub-message instead of its fields, as from its place in a file; false to write the fields.
 */
export type Shortcut = (m: Message, w: ReverseWriter) => boolean;

const noShortcut: Shortcut = () => false;

/**
 * Writes a message's fields, canonically: in order of their numbers, unknown ones last. Recursion goes as deep as the
 * message.
 */
export function encode(w: ReverseWriter, m: Message, shortcut: Shortcut = noShortcut): void {
  encodeUnknown(w, m);
  const { type, values } = entries(m);
  for (let i = type.fields.length - 1; i >= 0; i--) {
    const field = type.fields[i];
    const value = field && values[field.name];
    if (value !== undefined && field) encodeField(w, field, value, shortcut);
  }
}

/** The unknown fields of a message, which stand after all others. */
export function encodeUnknown(w: ReverseWriter, m: Message | undefined): void {
  if (!m?.unknown) return;
  for (const chunk of m.unknown.toReversed()) w.bytes(chunk);
}

export function encodeField(w: ReverseWriter, field: Field, value: unknown, shortcut: Shortcut): void {
  if (value instanceof Packed) encodePacked(w, field, value);
  else if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--) encodeOne(w, field, value[i], shortcut);
  } else encodeOne(w, field, value, shortcut);
}

function encodeOne(w: ReverseWriter, field: Field, value: unknown, shortcut: Shortcut): void {
  const { number } = field;
  if (typeof value === 'string') {
    const mark = w.size;
    w.text(value);
    w.close(number, mark);
  } else if (typeof value === 'bigint') {
    w.bigVarint(value);
    w.tag(number, VARINT);
  } else if (typeof value === 'number') {
    if (field.kind === 'float') w.fixed32(value);
    else if (value < 0) w.bigVarint(BigInt(value));
    else w.varint(value);
    w.tag(number, field.kind === 'float' ? FIXED32 : VARINT);
  } else if (value instanceof Uint8Array || value instanceof ByteRange) w.delimited(number, value);
  else {
    const mark = w.size;
    const inner = value as Message;
    if (!shortcut(inner, w)) encode(w, inner, shortcut);
    w.close(number, mark);
  }
}

function encodePacked(w: ReverseWriter, field: Field, value: Packed): void {
  const pieces = value.canonical().reverse();
  if (field.packed) {
    const mark = w.size;
    for (const piece of pieces) w.bytes(piece);
    w.close(field.number, mark);
    return;
  }
  const width = value.kind === 'float' ? 4 : value.kind === 'double' ? 8 : 0;
  const wire = width === 4 ? FIXED32 : width === 8 ? FIXED64 : VARINT;
  for (const piece of pieces) {
    const bytes = piece instanceof ByteRange ? piece.bytes() : piece;
    for (let end = bytes.length; end > 0; ) {
      const start = width > 0 ? end - width : startOfVarint(bytes, end);
      w.copy(bytes, start, end);
      w.tag(field.number, wire);
      end = start;
    }
  }
}

/** Where the varint begins whose last byte stands before `end`. */
function startOfVarint(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > 0 && (bytes[at - 1] ?? 0) >= 0x80) at -= 1;
  return at;
}
