import { type Chunk, chunkBytes, concat } from '../../base/bytes.js';
import type { NumberKind } from './schema.js';

/**
 * Single elements are gathered in an array up to here, then moved to bytes: small lists, the most frequent, then cost
 * no typed array.
 */
const GATHERED = 4096;

/**
 * A repeated number, as the bytes of its packed form, whichever form the file has: as JavaScript numbers it would take
 * many times as much. Whoever adds bytes has checked them: no element is cut, none is longer than ten bytes.
 */
export class Packed {
  readonly #pieces: Chunk[] = [];
  #tail: number[] = [];
  #count = 0;

  constructor(readonly kind: NumberKind) {}

  /** Undefined when there is nothing: an absent field. */
  static ofInt64(values: Iterable<bigint>): Packed | undefined {
    const packed = new Packed('int64');
    for (const value of values) packed.varint(Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
    return packed.count === 0 ? undefined : packed;
  }

  static ofFloats(values: Float32Array): Packed | undefined {
    const packed = new Packed('float');
    packed.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), values.length);
    return values.length === 0 ? undefined : packed;
  }

  get count(): number {
    return this.#count;
  }

  get pieces(): readonly Chunk[] {
    this.#flush();
    return this.#pieces;
  }

  #flush(): void {
    if (this.#tail.length > 0) this.#pieces.push(Uint8Array.from(this.#tail));
    this.#tail = [];
  }

  /** Adds a packed field's payload, by reference. */
  push(piece: Chunk, count: number): void {
    this.#flush();
    this.#pieces.push(piece);
    this.#count += count;
  }

  /** Adds an element by the halves of its 64 bits. */
  varint(low: number, high: number): void {
    pushVarint(this.#tail, low, high);
    this.#added();
  }

  /** Adds a float or a double by its bytes. */
  fixed(bytes: Uint8Array): void {
    this.#tail.push(...bytes);
    this.#added();
  }

  #added(): void {
    this.#count += 1;
    if (this.#tail.length >= GATHERED) this.#flush();
  }

  /**
   * Elements as the official serializer writes them: varints no longer than they must be, 32-bit integers
   * sign-extended.
   */
  canonical(): Chunk[] {
    if (this.kind === 'float' || this.kind === 'double') return [...this.pieces];
    return this.pieces.map((piece) => {
      const bytes = chunkBytes(piece);
      if (isMinimal(bytes, this.kind === 'int32')) return piece;
      const out: number[] = [];
      eachVarint(bytes, (low, high) => pushVarint(out, low, this.kind === 'int32' ? (low | 0) >> 31 : high));
      return Uint8Array.from(out);
    });
  }

  /** The elements, each in the low `width` bytes of its value, little-endian. */
  bytes(width: 1 | 2 | 4 | 8): Uint8Array {
    if (this.kind === 'float' || this.kind === 'double') {
      const only = this.pieces[0];
      return this.pieces.length === 1 && only ? chunkBytes(only) : concat(this.pieces);
    }
    const out = new Uint8Array(this.#count * width);
    const put = putter(new DataView(out.buffer), width);
    let at = 0;
    this.#each((low, high) => {
      put(at, low, high);
      at += width;
    });
    return out;
  }

  #each(visit: (low: number, high: number) => void): void {
    for (const piece of this.#pieces) eachVarint(chunkBytes(piece), visit);
    eachVarint(this.#tail, visit);
  }

  int64s(): BigInt64Array {
    const out = new BigInt64Array(this.#count);
    let i = 0;
    this.#each((low, high) => {
      out[i++] = high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
    });
    return out;
  }

  float32s(): Float32Array {
    return new Float32Array(new Uint8Array(this.bytes(4)).buffer);
  }
}

type Put = (at: number, low: number, high: number) => void;

function putter(view: DataView, width: 1 | 2 | 4 | 8): Put {
  switch (width) {
    case 1:
      return (at, low) => view.setUint8(at, low & 0xff);
    case 2:
      return (at, low) => view.setUint16(at, low & 0xffff, true);
    case 4:
      return (at, low) => view.setUint32(at, low, true);
    case 8:
      return (at, low, high) => {
        view.setUint32(at, low, true);
        view.setUint32(at + 4, high, true);
      };
  }
}

/** Every varint of well-formed bytes, as the two halves of its 64 bits. */
function eachVarint(bytes: ArrayLike<number>, visit: (low: number, high: number) => void): void {
  for (let at = 0; at < bytes.length; ) {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at] ?? 0;
      at += 1;
      const bits = b & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else high |= bits << (shift - 32);
      if (b < 0x80) break;
    }
    visit(low >>> 0, high >>> 0);
  }
}

/**
 * Whether every varint is as short as it can be, none sets bits beyond the 64th, and none is what a 32-bit integer is
 * not written as.
 */
function isMinimal(bytes: Uint8Array, narrow: boolean): boolean {
  let size = 0;
  for (const b of bytes) {
    size += 1;
    if (b >= 0x80) continue;
    if ((b === 0 && size > 1) || (size === 10 && b > 1) || (narrow && size > 4)) return false;
    size = 0;
  }
  return true;
}

function pushVarint(out: number[], low: number, high: number): void {
  let l = low >>> 0;
  let h = high >>> 0;
  while (h > 0 || l >= 0x80) {
    out.push((l & 0x7f) | 0x80);
    l = ((l >>> 7) | (h << 25)) >>> 0;
    h >>>= 7;
  }
  out.push(l);
}
