/**
 * CRC-32 as in ISO 3309, PNG and zip: polynomial 0xEDB88320 reflected. Sixteen bytes at a time ("slicing", Kounavis and Berry 2005), read as
 * words where they are aligned, since whole checkpoints go through it.
 */
export class Crc32 {
  private state = -1;

  update(bytes: Uint8Array): this {
    const head = Math.min(bytes.length, -bytes.byteOffset & 3);
    const blocks = Math.floor((bytes.length - head) / 16);
    if (blocks === 0) {
      this.state = byBytes(this.state, bytes);
      return this;
    }
    let c = byBytes(this.state, bytes.subarray(0, head));
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, 4 * blocks);
    for (let i = 0; i < words.length; i += 4) {
      c =
        fold(3, c ^ (words[i] ?? 0)) ^
        fold(2, words[i + 1] ?? 0) ^
        fold(1, words[i + 2] ?? 0) ^
        fold(0, words[i + 3] ?? 0);
    }
    this.state = byBytes(c, bytes.subarray(head + 16 * blocks));
    return this;
  }

  /** The checksum so far, unsigned. */
  get value(): number {
    return ~this.state >>> 0;
  }
}

export const crc32 = (bytes: Uint8Array): number => new Crc32().update(bytes).value;

/** tables[k * 256 + b]: the effect of byte b followed by k zero bytes. */
const tables = new Int32Array(16 * 256);
for (let b = 0; b < 256; b++) {
  let c = b;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  tables[b] = c;
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256] ?? 0;
  tables[i] = (tables[before & 255] ?? 0) ^ (before >>> 8);
}

/** The effect of a little-endian word that `words` more words follow. Machines whose words are big-endian are none that run this. */
const fold = (words: number, w: number): number =>
  (tables[1024 * words + 768 + (w & 255)] ?? 0) ^
  (tables[1024 * words + 512 + ((w >>> 8) & 255)] ?? 0) ^
  (tables[1024 * words + 256 + ((w >>> 16) & 255)] ?? 0) ^
  (tables[1024 * words + (w >>> 24)] ?? 0);

function byBytes(state: number, bytes: Uint8Array): number {
  let c = state;
  for (const b of bytes) c = (tables[(c ^ b) & 255] ?? 0) ^ (c >>> 8);
  return c;
}
