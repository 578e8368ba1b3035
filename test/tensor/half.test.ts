import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bfloatToNumber, halfToNumber, numberToBfloat, numberToHalf } from '../../src/tensor/half.js';

interface Format {
  readonly name: string;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly decode: (bits: number) => number;
  readonly encode: (x: number) => number;
}
const FORMATS: readonly Format[] = [
  { name: 'float16', exponentBits: 5, fractionBits: 10, decode: halfToNumber, encode: numberToHalf },
  { name: 'bfloat16', exponentBits: 8, fractionBits: 7, decode: bfloatToNumber, encode: numberToBfloat },
];

/** IEEE 754's own definition of a binary interchange format. */
function byDefinition(bits: number, { exponentBits, fractionBits }: Format): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const infinityBits = (f: Format): number => (2 ** f.exponentBits - 1) << f.fractionBits;

/** The nearest of all finite values of the format, the even one of two, found by bisection; past the middle to what comes next: infinity. */
function nearestEven(x: number, f: Format): number {
  const a = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  let low = 0;
  let high = infinityBits(f);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (byDefinition(middle, f) <= a) low = middle;
    else high = middle;
  }
  const below = byDefinition(low, f);
  const step = below - byDefinition(low - 1, f);
  const above = high === infinityBits(f) ? below + step : byDefinition(high, f);
  if (a - below < above - a) return sign | low;
  if (a - below > above - a) return sign | high;
  return sign | (low % 2 === 0 ? low : high);
}

test.each(FORMATS)('$name: all 65,536 values', (f) => {
  for (let bits = 0; bits < 65_536; bits++) {
    const x = f.decode(bits);
    if (!Object.is(x, byDefinition(bits, f))) expect.fail(`${bits.toString(16)} is ${x}, not ${byDefinition(bits, f)}`);
    const back = f.encode(x);
    if (Number.isNaN(x) ? !Number.isNaN(f.decode(back)) : back !== bits)
      expect.fail(`${bits.toString(16)} comes back as ${back.toString(16)}`);
  }
});

test.each(FORMATS)(
  '$name: midpoints between neighbours go to the even one, and a hair beside them to the nearer',
  (f) => {
    for (let bits = 0; bits < infinityBits(f) - 1; bits++) {
      const middle = (byDefinition(bits, f) + byDefinition(bits + 1, f)) / 2;
      const hair = middle * 2 ** -40;
      for (const x of [middle, -middle, middle - hair, middle + hair])
        if (f.encode(x) !== nearestEven(x, f))
          expect.fail(`${x} becomes ${f.encode(x).toString(16)}, not ${nearestEven(x, f).toString(16)}`);
    }
  },
);

test.each(FORMATS)('$name: any float64', (f) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.float({ noNaN: true, noDefaultInfinity: true })),
      (x) => {
        expect(f.encode(x)).toBe(nearestEven(x, f));
      },
    ),
    { numRuns: 20_000, seed: 4 },
  );
  expect(f.encode(Number.POSITIVE_INFINITY)).toBe(infinityBits(f));
  expect(f.encode(Number.NEGATIVE_INFINITY)).toBe(0x8000 | infinityBits(f));
  expect(Number.isNaN(f.decode(f.encode(Number.NaN)))).toBe(true);
});
