/**
 * CRC-32 as in ISO 3309, PNG and zip: polynomial 0xEDB88320 reflected. Eight bytes at a time ("slicing by 8", Kounavis and Berry 2005),
 * since whole checkpoints go through it.
 */
export class Crc32 {
  private state = -1;

  update(bytes: Uint8Array): this {
    let c = this.state;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      const low = c ^ word(bytes, i);
      const high = word(bytes, i + 4);
      c =
        at(7, low & 255) ^
        at(6, (low >>> 8) & 255) ^
        at(5, (low >>> 16) & 255) ^
        at(4, low >>> 24) ^
        at(3, high & 255) ^
        at(2, (high >>> 8) & 255) ^
        at(1, (high >>> 16) & 255) ^
        at(0, high >>> 24);
    }
    for (; i < bytes.length; i++) c = at(0, (c ^ (bytes[i] ?? 0)) & 255) ^ (c >>> 8);
    this.state = c;
    return this;
  }

  /** The checksum so far, unsigned. */
  get value(): number {
    return ~this.state >>> 0;
  }
}

export const crc32 = (bytes: Uint8Array): number => new Crc32().update(bytes).value;

/** tables[k * 256 + b]: the effect of byte b followed by k zero bytes. */
const tables = new Int32Array(8 * 256);
for (let b = 0; b < 256; b++) {
  let c = b;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  tables[b] = c;
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256] ?? 0;
  tables[i] = (tables[before & 255] ?? 0) ^ (before >>> 8);
}

const at = (table: number, byte: number): number => tables[table * 256 + byte] ?? 0;
const word = (b: Uint8Array, i: number): number =>
  (b[i] ?? 0) | ((b[i + 1] ?? 0) << 8) | ((b[i + 2] ?? 0) << 16) | ((b[i + 3] ?? 0) << 24);
