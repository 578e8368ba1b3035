import { type Chunk, chunkBytes, concat } from '../../base/bytes.js';
import type { NumberKind } from './schema.js';

/**
 * A repeated number, as the bytes of its packed form, whichever form the file has: a JavaScript array would take many times as much. The
 * pieces are whole elements. Whoever adds bytes has checked them: no element is cut, none is longer than ten bytes.
 */
export class Packed {
  readonly #pieces: Chunk[] = [];
  #tail: VarintWriter | undefined;
  #count = 0;

  constructor(readonly kind: NumberKind) {}

  /** Undefined when there is nothing: an absent field. */
  static ofInt64(values: Iterable<bigint>): Packed | undefined {
    const packed = new Packed('int64');
    const tail = packed.#open();
    for (const value of values) {
      tail.write(BigInt.asUintN(64, value));
      packed.#count += 1;
    }
    return packed.#count === 0 ? undefined : packed;
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
    if (this.#tail) this.#pieces.push(this.#tail.bytes());
    this.#tail = undefined;
    return this.#pieces;
  }

  /** Adds a packed field's payload, by reference. */
  push(piece: Chunk, count: number): void {
    if (this.#tail) this.#pieces.push(this.#tail.bytes());
    this.#tail = undefined;
    this.#pieces.push(piece);
    this.#count += count;
  }

  /** Adds one element as its bytes. */
  append(element: Uint8Array): void {
    this.#open().append(element);
    this.#count += 1;
  }

  #open(): VarintWriter {
    this.#tail ??= new VarintWriter();
    return this.#tail;
  }

  /** Elements as the official serializer writes them: varints no longer than they must be, 32-bit integers sign-extended. */
  canonical(): Chunk[] {
    if (this.kind === 'float' || this.kind === 'double') return [...this.pieces];
    return this.pieces.map((piece) => {
      const bytes = chunkBytes(piece);
      if (this.kind !== 'int32' && isMinimal(bytes)) return piece;
      const writer = new VarintWriter();
      eachVarint(bytes, (low, high) => writer.write(this.#value(low, high)));
      return writer.bytes();
    });
  }

  #value(low: number, high: number): bigint {
    if (this.kind === 'int32') return BigInt.asUintN(64, BigInt(low | 0));
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** The elements, each in the low `width` bytes of its value, little-endian. */
  bytes(width: 1 | 2 | 4 | 8): Uint8Array {
    if (this.kind === 'float' || this.kind === 'double') {
      const only = this.pieces[0];
      return this.pieces.length === 1 && only ? chunkBytes(only) : concat(this.pieces);
    }
    const out = new Uint8Array(this.count * width);
    const view = new DataView(out.buffer);
    const put = putter(view, width);
    let at = 0;
    for (const piece of this.pieces) {
      eachVarint(chunkBytes(piece), (low, high) => {
        put(at, low, high);
        at += width;
      });
    }
    return out;
  }

  int64s(): BigInt64Array {
    return new BigInt64Array(new Uint8Array(this.bytes(8)).buffer);
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
export function eachVarint(bytes: Uint8Array, visit: (low: number, high: number) => void): void {
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

/** Whether no varint ends in a byte that says nothing, and none sets bits beyond the 64th. */
function isMinimal(bytes: Uint8Array): boolean {
  let size = 0;
  for (const b of bytes) {
    size += 1;
    if (b >= 0x80) continue;
    if ((b === 0 && size > 1) || (size === 10 && b > 1)) return false;
    size = 0;
  }
  return true;
}

/** Varints one after the other, in a buffer that grows. */
export class VarintWriter {
  #buffer = new Uint8Array(32);
  #size = 0;

  write(value: bigint): void {
    let low = Number(value & 0xffffffffn);
    let high = Number(value >> 32n);
    this.#reserve(10);
    while (high > 0 || low >= 0x80) {
      this.#buffer[this.#size++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#buffer[this.#size++] = low;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#size + more));
    larger.set(this.bytes());
    this.#buffer = larger;
  }
}
