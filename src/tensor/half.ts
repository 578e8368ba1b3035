const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** IEEE 754 binary16 bits to a number. Exact. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A number to binary16 bits, rounded once, to nearest even, straight from float64. */
export function numberToHalf(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a >= 65520) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | roundEven(a * 2 ** 24);
  const exponent = Math.min(15, exponentOf(a));
  const fraction = roundEven(a * 2 ** (10 - exponent));
  return sign + ((exponent + 14) << 10) + fraction;
}

/** bfloat16 bits to a number. Exact. */
export function bfloatToNumber(bits: number): number {
  u32[0] = bits << 16;
  return f32[0] ?? 0;
}

/** A number to bfloat16 bits, rounded once, to nearest even, straight from float64. */
export function numberToBfloat(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a < 2 ** -126) return sign | roundEven(a * 2 ** 133);
  if (a === Number.POSITIVE_INFINITY) return sign | 0x7f80;
  const exponent = exponentOf(a);
  if (exponent > 127) return sign | 0x7f80;
  const bits = ((exponent + 126) << 7) + roundEven(a * 2 ** (7 - exponent));
  return sign | Math.min(bits, 0x7f80);
}

/** floor(log2(a)) for a normal positive float64. */
function exponentOf(a: number): number {
  let e = Math.floor(Math.log2(a));
  if (2 ** e > a) e -= 1;
  else if (2 ** (e + 1) <= a) e += 1;
  return e;
}

/** Nearest integer, ties to even; exact, since the argument is a float64 below 2^52. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest > 0.5 || (rest === 0.5 && low % 2 === 1)) return low + 1;
  return low;
}
