/**
 * Names in files are bytes, usually UTF-8. In memory they are strings that lose nothing: a byte that is not part of valid UTF-8 becomes the
 * lone surrogate U+DC00 + byte, which no valid UTF-8 decodes to, and goes back to that byte (Python's "surrogateescape", PEP 383).
 */
export function decodeName(bytes: Uint8Array): string {
  const ascii = decodeAscii(bytes);
  if (ascii !== undefined) return ascii;
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function decodeAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length > 256) return undefined;
  let out = '';
  for (const b of bytes) {
    if (b >= 0x80) return undefined;
    out += String.fromCharCode(b);
  }
  return out;
}

function decodeEscaping(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const size = sequenceLength(bytes, i);
    if (size === 0) {
      out += String.fromCharCode(0xdc00 + (bytes[i] ?? 0));
      i += 1;
    } else {
      out += strict.decode(bytes.subarray(i, i + size));
      i += size;
    }
  }
  return out;
}

/** The length of the valid UTF-8 sequence at `i`, or 0. RFC 3629: no overlong forms, no surrogates, at most U+10FFFF. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const a = bytes[i] ?? 0;
  if (a < 0x80) return 1;
  const size = a >= 0xc2 && a <= 0xdf ? 2 : a >= 0xe0 && a <= 0xef ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : 0;
  if (size === 0 || i + size > bytes.length) return 0;
  const b = bytes[i + 1] ?? 0;
  const low = a === 0xe0 ? 0xa0 : a === 0xf0 ? 0x90 : 0x80;
  const high = a === 0xed ? 0x9f : a === 0xf4 ? 0x8f : 0xbf;
  if (b < low || b > high) return 0;
  for (let k = 2; k < size; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  return size;
}

/** The inverse of `decodeName`, for every string that it can give. */
export function encodeName(name: string): Uint8Array {
  if (!/[\uDC80-\uDCFF]/.test(name)) return encoder.encode(name);
  const out: number[] = [];
  for (const char of name) {
    const code = char.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) out.push(code - 0xdc00);
    else out.push(...encoder.encode(char));
  }
  return Uint8Array.from(out);
}

/** For people: control characters, bidirectional overrides and undecodable bytes escaped, long names cut in the middle. */
export function printable(name: string, limit = 120): string {
  const safe = name.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu,
    escapeChar,
  );
  return safe.length <= limit ? safe : `${safe.slice(0, limit / 2 - 1)}…${safe.slice(-limit / 2)}`;
}

function escapeChar(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code === 10) return '\\n';
  if (code === 13) return '\\r';
  if (code === 9) return '\\t';
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The candidates nearest to `word` by edit distance, best first; none that differ by more than half their length. */
export function nearest(word: string, candidates: Iterable<string>, count = 3): string[] {
  return [...candidates]
    .map((c) => ({ c, d: editDistance(word.toLowerCase(), c.toLowerCase()) }))
    .filter(({ c, d }) => d <= Math.max(2, Math.max(c.length, word.length) / 2))
    .sort((a, b) => a.d - b.d || (a.c < b.c ? -1 : 1))
    .slice(0, count)
    .map(({ c }) => c);
}

/** A hint for a name that is not among the known ones: those that look like it, if any do. */
export function didYouMean(word: string, known: Iterable<string>, count?: number): string | undefined {
  const like = nearest(word, known, count);
  return like.length > 0 ? `did you mean ${like.join(', ')}?` : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** A whole number with commas between its thousands. Loading the system's own tables for this takes longer than most commands. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** A plain text table: columns padded to their widest cell; numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[], header?: readonly string[]): string {
  const cells = rows.map((row) => row.map(String));
  const all = header ? [[...header], ...cells] : cells;
  const widths: number[] = [];
  for (const row of all) row.forEach((c, i) => (widths[i] = Math.max(widths[i] ?? 0, c.length)));
  const numeric = widths.map(
    (_, i) =>
      rows.length > 0 &&
      cells.every((row) => /^([-+]?[\d.,]+(e[-+]?\d+)?( ?[%a-zA-Z]{1,3})?|[-?]?)$/.test(row[i] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((c, i) => (numeric[i] ? c.padStart(widths[i] ?? 0) : c.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}
