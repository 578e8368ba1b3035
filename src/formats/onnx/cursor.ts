import { ByteRange, type ByteSource, type Chunk } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { TextCache } from './text-cache.js';

/**
 * Bytes that are read at once. Large enough that structure costs few reads, small enough that skipping a weight wastes
 * little.
 */
const WINDOW = 64 * 1024;

/**
 * Payloads from here on stay in the file as ranges; smaller ones are copied, so that they do not hold a whole window in
 * memory.
 */
const BY_REFERENCE = 1024;

/** A varint's longest form, and a tag's, in bytes. */
const VARINT_BYTES = 10;
const TAG_BYTES = 5;

/**
 * Reads protobuf's primitives from a source of any size, through a window. Written by hand rather than over
 * protobufjs's Reader: positions go beyond 2^32, and every error knows its byte.
 */
export class Cursor {
  #window: Uint8Array = new Uint8Array(0);
  #from = 0;
  readonly #texts = new TextCache();
  /** The two halves of the last varint. */
  low = 0;
  high = 0;

  constructor(
    readonly source: ByteSource,
    public at: number,
  ) {}

  #byte(end: number): number {
    if (this.at >= end) {
      throw new CnnxError('onnx/truncated', `a number is cut off: the bytes end at ${end}`, { at: { byte: this.at } });
    }
    return this.#next();
  }

  #next(): number {
    let i = this.at - this.#from;
    if (i < 0 || i >= this.#window.length) {
      this.#fill();
      i = 0;
    }
    this.at += 1;
    return this.#window[i] ?? 0;
  }

  #fill(): void {
    this.#window = this.source.read(this.at, Math.min(WINDOW, this.source.size - this.at));
    this.#from = this.at;
  }

  /** Reads a varint into `low` and `high`; bits beyond the 64th are dropped, as protobuf drops them. */
  varint(end: number, longest = VARINT_BYTES): void {
    const start = this.at;
    let low = 0;
    let high = 0;
    for (let i = 0; ; i++) {
      if (i === longest) {
        throw new CnnxError('onnx/wire', `a number is longer than ${longest} bytes`, { at: { byte: start } });
      }
      const b = this.#byte(end);
      const bits = b & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (7 * i - 32);
      if (b < 0x80) break;
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
  }

  /** A field's number and wire type as they stand in one varint. */
  tag(end: number): number {
    const start = this.at;
    this.varint(end, TAG_BYTES);
    if (this.high !== 0 || this.low < 8 || (this.low & 7) > 5) {
      const found =
        this.high === 0 && this.low < 8 ? 'a field numbered 0' : `a field tag of ${this.low + this.high * 2 ** 32}`;
      throw new CnnxError('onnx/wire', `${found} at byte ${start}; protobuf has no such thing`, {
        at: { byte: start },
      });
    }
    return this.low;
  }

  /** The length before a payload, checked against what is left. */
  length(end: number): number {
    const start = this.at;
    this.varint(end);
    const size = this.low + this.high * 2 ** 32;
    if (size > end - this.at) {
      throw new CnnxError(
        'onnx/truncated',
        `a field at byte ${start} claims ${size} bytes; ${end - this.at} are left of what holds it`,
        { at: { byte: start }, hint: 'the file is incomplete or damaged: fetch it again' },
      );
    }
    return size;
  }

  skip(size: number, end: number): void {
    if (size > end - this.at) {
      throw new CnnxError(
        'onnx/truncated',
        `${size} bytes were expected at byte ${this.at}; ${end - this.at} are left`,
        {
          at: { byte: this.at },
        },
      );
    }
    this.at += size;
  }

  /** The next bytes, already known to be there: a copy of a few, a range of many. */
  take(size: number): Chunk {
    const at = this.at;
    if (size >= BY_REFERENCE) {
      this.at += size;
      return new ByteRange(this.source, at, size);
    }
    return new Uint8Array(this.#view(size));
  }

  text(size: number): string {
    return this.#texts.decode(this.#view(size));
  }

  #view(size: number): Uint8Array {
    const at = this.at;
    this.at += size;
    if (size > WINDOW) return this.source.read(at, size);
    if (at < this.#from || at + size > this.#from + this.#window.length) {
      this.at = at;
      this.#fill();
      this.at = at + size;
    }
    return this.#window.subarray(at - this.#from, at - this.#from + size);
  }

  /** Goes over the varints up to `end`; gives how many there are. */
  countVarints(end: number): number {
    const start = this.at;
    let count = 0;
    let run = 0;
    while (this.at < end) {
      run += 1;
      if (this.#next() < 0x80) {
        count += 1;
        run = 0;
      } else if (run === VARINT_BYTES) {
        throw new CnnxError('onnx/wire', `a number is longer than ${VARINT_BYTES} bytes`, {
          at: { byte: this.at - run },
        });
      }
    }
    if (run > 0) {
      throw new CnnxError('onnx/truncated', `the last number of a list at byte ${start} is cut off`, {
        at: { byte: this.at - run },
      });
    }
    return count;
  }
}
