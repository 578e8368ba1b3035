import { ByteRange } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { decodeName } from '../../base/text.js';

/** The bytes of a pickle, read ahead a little at a time: in the older file form gigabytes of tensor data follow it. */
export class PickleInput {
  private window = new Uint8Array(0);
  private view = new DataView(this.window.buffer);
  /** Where the window begins, and the place within it. */
  private start = 0;
  private at = 0;

  constructor(
    private readonly range: ByteRange,
    start = 0,
  ) {
    this.start = start;
  }

  /** Offset within the range. */
  get position(): number {
    return this.start + this.at;
  }

  /**
   * The next `size` bytes, as a view that stays valid. Throws `pickle/truncated` before anything is allocated for bytes
   * that are not there.
   */
  take(size: number): Uint8Array {
    this.need(size);
    const bytes = this.window.subarray(this.at, this.at + size);
    this.at += size;
    return bytes;
  }

  uint8(): number {
    this.need(1);
    return this.window[this.at++] ?? 0;
  }

  uint16(): number {
    return this.fixed(2, (at) => this.view.getUint16(at, true));
  }

  uint32(): number {
    return this.fixed(4, (at) => this.view.getUint32(at, true));
  }

  int32(): number {
    return this.fixed(4, (at) => this.view.getInt32(at, true));
  }

  /** A length of eight bytes. */
  uint64(): number {
    const value = this.fixed(8, (at) => this.view.getBigUint64(at, true));
    if (value > BigInt(LIMITS.pickle)) throw this.truncated(Number(value));
    return Number(value);
  }

  /** Big-endian, as pickles have their floats. */
  float64(): number {
    return this.fixed(8, (at) => this.view.getFloat64(at, false));
  }

  /** Up to the next line feed, without it. */
  line(): string {
    for (let size = 0; ; size++) {
      this.need(size + 1);
      if (this.window[this.at + size] === 10) {
        const text = decodeName(this.window.subarray(this.at, this.at + size));
        this.at += size + 1;
        return text;
      }
    }
  }

  private fixed<T>(size: number, read: (at: number) => T): T {
    this.need(size);
    const value = read(this.at);
    this.at += size;
    return value;
  }

  private need(size: number): void {
    if (this.at + size <= this.window.length) return;
    const { position } = this;
    if (position + size > this.range.size) throw this.truncated(size);
    if (position + size > LIMITS.pickle) {
      throw new CnnxError('pickle/limit', `the pickle is longer than ${LIMITS.pickle} bytes`, {
        at: { byte: position },
      });
    }
    const ahead = Math.min(this.range.size - position, Math.max(2 * size, READ));
    // A copy of its own: a slice of a Buffer would be a view.
    this.window = new Uint8Array(this.range.slice(position, ahead).bytes());
    this.view = new DataView(this.window.buffer);
    this.start = position;
    this.at = 0;
  }

  private truncated(size: number): CnnxError {
    const left = this.range.size - this.position;
    return new CnnxError(
      'pickle/truncated',
      `the pickle ends early: ${size} more bytes were announced, ${left} are left`,
      {
        at: { byte: this.position },
      },
    );
  }
}

const READ = 2 ** 16;
