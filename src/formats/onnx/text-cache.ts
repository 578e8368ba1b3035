import { decodeName } from '../../base/text.js';

/** Slots; a power of two. Operator types and attribute names come again and again, a value's name at least twice. */
const SLOTS = 4096;

/** Copied for each reader, which takes a fiftieth of filling as many slots. */
const EMPTY: readonly undefined[] = Array.from({ length: SLOTS });

/** Longer texts are seldom names, and seldom come again. */
const LONGEST = 64;

/**
 * Decodes names, and gives the same string again for the same bytes while it remembers them: a large graph has few
 * different ones.
 */
export class TextCache {
  readonly #texts: (string | undefined)[] = EMPTY.slice();

  decode(bytes: Uint8Array): string {
    const { length } = bytes;
    if (length === 0) return '';
    if (length > LONGEST) return decodeName(bytes);
    let hash = length;
    for (let i = 0; i < length; i++) {
      const b = bytes[i] ?? 0;
      if (b >= 0x80) return decodeName(bytes);
      hash = (Math.imul(hash, 31) + b) | 0;
    }
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (known !== undefined && isSame(known, bytes)) return known;
    const text = String.fromCharCode(...bytes);
    this.#texts[slot] = text;
    return text;
  }
}

function isSame(text: string, bytes: Uint8Array): boolean {
  if (text.length !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (text.charCodeAt(i) !== bytes[i]) return false;
  return true;
}
