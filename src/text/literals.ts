import { decodeName, encodeName } from '../base/text.js';
import { DTYPE_BITS, type DType } from '../tensor/dtype.js';
import { bfloatToNumber, halfToNumber, numberToBfloat, numberToHalf } from '../tensor/half.js';
import { bitsOfFloat, floatOfBits } from '../graph/attr.js';

/*
 * How names, strings and numbers are written in the text form, and read back: bit for bit. A NaN with another payload
 * than the usual one is
 * `nan(0x7fc00001)`, its bits in hexadecimal.
 */

const BARE_NAME = /^[A-Za-z0-9_./$+-]+$/;

/**
 * A name as it stands if it has only letters, digits and `_./$+-`; quoted otherwise. `_` alone, which means "left out",
 * is quoted.
 */
export const nameText = (name: string): string => (BARE_NAME.test(name) && name !== '_' ? name : quoted(name));

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** In double quotes; an undecodable byte is `\xHH`, any other unprintable character `\u{HEX}`. */
export const quoted = (text: string): string =>
  `"${text.replace(
    /["\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu,
    (char) => ESCAPES[char] ?? escape(char.codePointAt(0) ?? 0),
  )}"`;

const escape = (code: number): string =>
  code >= 0xdc80 && code <= 0xdcff ? `\\x${(code - 0xdc00).toString(16)}` : `\\u{${code.toString(16)}}`;

export const stringText = (bytes: Uint8Array): string => quoted(decodeName(bytes));

const UNESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** The text between the quotes of a quoted name or string. */
export const unquoted = (inner: string): string =>
  inner.replace(
    /\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|(.))/gsu,
    (_, byte?: string, code?: string, char?: string) => {
      if (byte) return String.fromCharCode(0xdc00 + Number.parseInt(byte, 16));
      if (code) return String.fromCodePoint(Number.parseInt(code, 16));
      return UNESCAPES[char ?? ''] ?? char ?? '';
    },
  );

export const stringBytes = (inner: string): Uint8Array => encodeName(unquoted(inner));

// --- numbers
// --------------------------------------------------------------------------------------------------------------------

/** Elements of one type as text: their size in bytes, and both directions. */
export interface NumberFormat {
  readonly size: number;
  text(view: DataView, at: number): string;
  /** False when the text is no such number, or out of range. */
  write(view: DataView, at: number, text: string): boolean;
}

/** A floating-point type of `size` bytes through its bits. */
function floating(
  size: 2 | 4 | 8,
  usualNan: bigint,
  number: (bits: bigint) => number,
  bits: (x: number) => bigint,
): NumberFormat {
  const get = (v: DataView, at: number): bigint =>
    size === 8 ? v.getBigUint64(at, true) : BigInt(size === 4 ? v.getUint32(at, true) : v.getUint16(at, true));
  const set = (v: DataView, at: number, b: bigint): void => {
    if (size === 8) v.setBigUint64(at, b, true);
    else if (size === 4) v.setUint32(at, Number(b), true);
    else v.setUint16(at, Number(b), true);
  };
  return {
    size,
    text(view, at) {
      const b = get(view, at);
      const x = number(b);
      if (Number.isNaN(x)) return b === usualNan ? 'nan' : `nan(0x${b.toString(16)})`;
      if (!Number.isFinite(x)) return x < 0 ? '-inf' : 'inf';
      if (Object.is(x, -0)) return '-0';
      return shortest(x, (s) => bits(s) === b);
    },
    write(view, at, text) {
      const payload = /^nan(?:\((0x[0-9a-f]+)\))?$/.exec(text);
      const b = payload ? (payload[1] ? BigInt(payload[1]) : usualNan) : bits(decimal(text));
      if (b >= 1n << BigInt(8 * size) || (payload && !Number.isNaN(number(b))) || (!payload && Number.isNaN(number(b))))
        return false;
      set(view, at, b);
      return true;
    },
  };
}

const decimal = (text: string): number => {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return DECIMAL.test(text) ? Number(text) : Number.NaN;
};
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** The shortest decimal that is read back to the same bits. */
function shortest(x: number, same: (read: number) => boolean): string {
  for (let digits = 1; digits < 17; digits++) {
    const text = String(Number(x.toPrecision(digits)));
    if (same(Number(text))) return text;
  }
  return String(x);
}

const f64 = new DataView(new ArrayBuffer(8));
const float64Bits = (x: number): bigint => {
  f64.setFloat64(0, x);
  return f64.getBigUint64(0);
};
const float64OfBits = (b: bigint): number => {
  f64.setBigUint64(0, b);
  return f64.getFloat64(0);
};

function integer(size: 1 | 2 | 4 | 8, signed: boolean): NumberFormat {
  const bitCount = BigInt(8 * size);
  const low = signed ? -(1n << (bitCount - 1n)) : 0n;
  const high = (1n << (signed ? bitCount - 1n : bitCount)) - 1n;
  return {
    size,
    text(view, at) {
      if (size === 8) return String(signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
      if (size === 4) return String(signed ? view.getInt32(at, true) : view.getUint32(at, true));
      if (size === 2) return String(signed ? view.getInt16(at, true) : view.getUint16(at, true));
      return String(signed ? view.getInt8(at) : view.getUint8(at));
    },
    write(view, at, text) {
      if (!isInteger(text)) return false;
      const value = BigInt(text.replace('+', ''));
      if (value < low || value > high) return false;
      if (size === 8) view.setBigInt64(at, BigInt.asIntN(64, value), true);
      else if (size === 4) view.setInt32(at, Number(BigInt.asIntN(32, value)), true);
      else if (size === 2) view.setInt16(at, Number(value), true);
      else view.setInt8(at, Number(value));
      return true;
    },
  };
}

/** Types that are written as numbers; all others but strings are written as hexadecimal bytes. */
export const NUMBER_FORMATS: Partial<Record<DType, NumberFormat>> = {
  float32: floating(
    4,
    0x7fc00000n,
    (b) => floatOfBits(Number(b)),
    (x) => BigInt(bitsOfFloat(x)),
  ),
  float64: floating(8, 0x7ff8000000000000n, float64OfBits, float64Bits),
  float16: floating(
    2,
    0x7e00n,
    (b) => halfToNumber(Number(b)),
    (x) => BigInt(numberToHalf(x)),
  ),
  bfloat16: floating(
    2,
    0x7fc0n,
    (b) => bfloatToNumber(Number(b)),
    (x) => BigInt(numberToBfloat(x)),
  ),
  int8: integer(1, true),
  uint8: integer(1, false),
  bool: integer(1, false),
  int16: integer(2, true),
  uint16: integer(2, false),
  int32: integer(4, true),
  uint32: integer(4, false),
  int64: integer(8, true),
  uint64: integer(8, false),
};

const scratch = new DataView(new ArrayBuffer(4));

/** A float attribute: always with a point or an exponent, so that it is not read as an int. */
export function floatText(bits: number): string {
  scratch.setUint32(0, bits, true);
  const text = NUMBER_FORMATS.float32?.text(scratch, 0) ?? '';
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The bits of a float attribute's text; undefined when it is no number. */
export function floatBits(text: string): number | undefined {
  return NUMBER_FORMATS.float32?.write(scratch, 0, text) ? scratch.getUint32(0, true) : undefined;
}

export const isInteger = (text: string): boolean => /^[-+]?\d+$/.test(text);

export const isDType = (word: string): word is DType => Object.hasOwn(DTYPE_BITS, word);
