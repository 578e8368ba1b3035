/* The 16-bit floating-point types, bits to numbers and back. A number is rounded once, to nearest even, straight from float64. */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** Added and taken away again, it rounds a smaller magnitude to the nearest integer, ties to even: what float64 itself does at that size. */
const ROUND = 2 ** 52;

const powers = (from: number, to: number): Float64Array =>
  Float64Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i));

/** By 15 or 127 minus a normal number's exponent: what makes its last kept bit 1. */
const HALF_SCALES = powers(-5, 24);
const BFLOAT_SCALES = powers(-120, 133);

/** floor(log2(a)) for a normal float32; at the last hair below a power of two that power's, which rounds to it either way. */
function exponentOf(a: number): number {
  f32[0] = a;
  return ((u32[0] ?? 0) >>> 23) - 127;
}

/** IEEE 754 binary16 bits to a number. Exact. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A number to binary16 bits. */
export function numberToHalf(x: number): number {
  if (x !== x) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a >= 65520) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24 + ROUND - ROUND);
  const exponent = exponentOf(a);
  return sign | (((exponent + 14) << 10) + (a * (HALF_SCALES[15 - exponent] ?? 0) + ROUND - ROUND));
}

/** bfloat16 bits to a number. Exact. */
export function bfloatToNumber(bits: number): number {
  u32[0] = bits << 16;
  return f32[0] ?? 0;
}

/** A number to bfloat16 bits. */
export function numberToBfloat(x: number): number {
  if (x !== x) return 0x7fc0;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a < 2 ** -126) return sign | (a * 2 ** 133 + ROUND - ROUND);
  const exponent = exponentOf(a);
  if (exponent > 127) return sign | 0x7f80;
  return sign | (((exponent + 126) << 7) + (a * (BFLOAT_SCALES[127 - exponent] ?? 0) + ROUND - ROUND));
}

/** Every binary16 number by its bits; made when the first tensor is read. */
let halves: Float64Array | undefined;

/** Many at once: by a table, which is several times as fast as by the bits. */
export function halvesToNumbers(bits: Uint16Array): Float64Array {
  halves ??= Float64Array.from({ length: 65_536 }, (_, i) => halfToNumber(i));
  const out = new Float64Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = halves[bits[i] ?? 0] ?? 0;
  return out;
}

export function bfloatsToNumbers(bits: Uint16Array): Float64Array {
  const out = new Float64Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = bfloatToNumber(bits[i] ?? 0);
  return out;
}

/** Bits of each number by `encode`. */
export function encodeAll(values: Float64Array, encode: (x: number) => number): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = encode(values[i] ?? 0);
  return out;
}
