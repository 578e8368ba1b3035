import { CnnxError } from './errors.js';

/** Random access to bytes that may be larger than memory. `read` returns exactly `size` bytes, and throws if they are not there. */
export interface ByteSource {
  readonly size: number;
  read(at: number, size: number): Uint8Array;
  /** Fills `out` from `at` on, for those who have memory to use again. Absent where `read` gives views, which costs less. */
  readInto?(at: number, out: Uint8Array): void;
}

/** A source over bytes in memory; reads are views, not copies. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return { size: bytes.byteLength, read: (at, size) => bytes.subarray(at, at + size) };
}

/** A stretch of a source. Nothing is read before `bytes()` is called; whether that copies is the source's business. */
export class ByteRange {
  constructor(
    readonly source: ByteSource,
    readonly at: number,
    readonly size: number,
  ) {
    if (at < 0 || size < 0 || at + size > source.size) {
      throw new CnnxError('base/range', `bytes ${at} to ${at + size} were asked for; there are ${source.size}`, {
        at: { byte: at },
      });
    }
  }

  static of(bytes: Uint8Array): ByteRange {
    return new ByteRange(memorySource(bytes), 0, bytes.byteLength);
  }

  bytes(): Uint8Array {
    return this.source.read(this.at, this.size);
  }

  /** Fills `out` with the bytes from `at` on, counted from the start of this range. */
  readInto(at: number, out: Uint8Array): void {
    const { source, at: start, size } = this.slice(at, out.byteLength);
    if (source.readInto) source.readInto(start, out);
    else out.set(source.read(start, size));
  }

  /** `at` counts from the start of this range. */
  slice(at: number, size: number): ByteRange {
    if (at < 0 || size < 0 || at + size > this.size) {
      throw new CnnxError('base/range', `bytes ${at} to ${at + size} of a range of ${this.size}`, {
        at: { byte: this.at + at },
      });
    }
    return new ByteRange(this.source, this.at + at, size);
  }
}

/** What writers produce: pieces in order, weights by reference. Never joined into one buffer. */
export type Chunk = Uint8Array | ByteRange;

export const chunkSize = (chunk: Chunk): number => (chunk instanceof ByteRange ? chunk.size : chunk.byteLength);
export const chunkBytes = (chunk: Chunk): Uint8Array => (chunk instanceof ByteRange ? chunk.bytes() : chunk);

/** Whether two have the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Joins pieces; for small artefacts and tests. */
export function concat(chunks: readonly Chunk[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((n, c) => n + chunkSize(c), 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunkBytes(chunk), at);
    at += chunkSize(chunk);
  }
  return out;
}
