import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';

/** A whole number as a pickle's text has it; `00` and `01` are the truth values of protocol 0. */
export function textInteger(text: string): number | bigint | boolean {
  if (text === '00' || text === '01') return text === '01';
  // The conversion takes quadratic time, so the length is bounded.
  if (!/^-?\d{1,400}$/.test(text)) throw new CnnxError('pickle/invalid', `${printable(text)} is not a whole number`);
  return narrow(BigInt(text));
}

export function numberOf(text: string): number {
  const special = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN }[text];
  const value = special ?? (text.trim() === '' ? Number.NaN : Number(text));
  if (Number.isNaN(value) && text !== 'nan')
    throw new CnnxError('pickle/invalid', `${printable(text)} is not a number`);
  return value;
}

/** A little-endian integer in two's complement. */
export function longOf(bytes: Uint8Array): number | bigint {
  if (bytes.length > 128)
    throw new CnnxError('pickle/limit', `an integer of ${bytes.length} bytes; no checkpoint needs more than 128`);
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return narrow(BigInt.asIntN(8 * bytes.length, value));
}

const narrow = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** A string in quotes, with Python's escapes. */
export function unquote(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw new CnnxError('pickle/invalid', `${printable(text)} is not a quoted string`);
  }
  return text
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, e: string) =>
      e.startsWith('x') && e.length === 3
        ? String.fromCharCode(Number.parseInt(e.slice(1), 16))
        : (ESCAPES.get(e) ?? e),
    );
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
