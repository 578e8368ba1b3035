import { expect, test } from 'vitest';
import { Normal } from '../../src/builders/normal.js';
import { Threefry } from '../../src/builders/threefry.js';
import { distance, LARGEST_DISTANCE, normalCdf } from '../support/distributions.js';

const COUNT = 2_000_000;
const normal = new Normal(new Threefry(1, 2));
const sample = Float64Array.from({ length: COUNT }, (_, i) => normal.at(i));

/** Within five standard deviations of a count that has this expectation. */
const near = (count: number, expected: number): boolean => Math.abs(count - expected) < 5 * Math.sqrt(expected);

test('the numbers are those of the normal distribution', () => {
  expect(distance(sample, normalCdf)).toBeLessThan(LARGEST_DISTANCE);
  const moment = (k: number): number => sample.reduce((sum, x) => sum + x ** k, 0) / COUNT;
  // The moments of the distribution, and the standard deviations of their estimates: sqrt((m_2k - m_k^2) / n).
  for (const [k, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
    [6, 15, 10_170],
  ] as const)
    expect(Math.abs(moment(k) - expected)).toBeLessThan(5 * Math.sqrt(variance / COUNT));
});

test('both tails have their share and their shape, also beyond the strips', () => {
  for (const from of [3, 3.5, 3.6541528853610088, 4, 4.5]) {
    const share = normalCdf(-from);
    for (const sign of [1, -1]) {
      const tail = sample.filter((x) => sign * x > from).map(Math.abs);
      expect(near(tail.length, COUNT * share), `${tail.length} beyond ${sign * from}`).toBe(true);
      expect(distance(tail, (x) => 1 - normalCdf(-x) / share)).toBeLessThan(LARGEST_DISTANCE);
    }
  }
});

test('fine bins hold what they should: no strip is too wide', () => {
  const BINS = 1024;
  const width = 8 / BINS;
  const counts = new Float64Array(BINS);
  for (const x of sample)
    if (Math.abs(x) < 4) counts[Math.floor((x + 4) / width)] = (counts[Math.floor((x + 4) / width)] ?? 0) + 1;
  let chiSquare = 0;
  for (let i = 0; i < BINS; i++) {
    const expected = COUNT * (normalCdf(-4 + (i + 1) * width) - normalCdf(-4 + i * width));
    chiSquare += ((counts[i] ?? 0) - expected) ** 2 / expected;
  }
  // A sum of that many squares has the mean BINS and the variance 2 BINS.
  expect(Math.abs(chiSquare - BINS)).toBeLessThan(5 * Math.sqrt(2 * BINS));
});

test('an index has the same number whatever came before; its trials are other numbers', () => {
  expect([5, 3, 5].map((i) => normal.at(i))).toEqual([sample[5], sample[3], sample[5]]);
  const trials = Float64Array.from({ length: 10_000 }, (_, i) => normal.at(7, i));
  expect(new Set(trials).size).toBe(trials.length);
  expect(distance(trials, normalCdf)).toBeLessThan(LARGEST_DISTANCE);
});
