import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rows } from '../../../src/passes/qdq/rows.js';
import { quantizeWeight } from '../../../src/passes/qdq/weights.js';

/* The truth is the arithmetic of the instruction itself (VPMADDUBSW): two products of an unsigned and a signed byte, added and clamped to int16. */

const clampInt16 = (x: number): number => Math.max(-32768, Math.min(32767, x));

/** A row times activations in exact integers, and as x86 without VNNI adds it up. */
function bothSums(row: Int8Array, activations: readonly number[]): { exact: number; saturating: number } {
  let [exact, saturating] = [0, 0];
  for (let j = 0; j < row.length; j += 2) {
    const pair = (activations[j] ?? 0) * (row[j] ?? 0) + (activations[j + 1] ?? 0) * (row[j + 1] ?? 0);
    exact += pair;
    saturating += clampInt16(pair);
  }
  return { exact, saturating };
}

const rowsOf = (count: number, length: number, paired = true): Rows => ({
  count,
  rowStep: length,
  axis: 0,
  paired,
  order: Int32Array.from({ length }, (_, j) => j),
});

/** Activations at which a row's positive (or negative) weights alone count: the worst there are. */
const worst = (row: Int8Array, sign: number): number[] => Array.from(row, (w) => (Math.sign(w) === sign ? 255 : 0));

const weights = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('weights that are safe from overflow', () => {
  test('no activations make a pair overflow', () => {
    fc.assert(
      fc.property(weights, fc.infiniteStream(fc.nat(255)), (row, stream) => {
        const { values, proven } = quantizeWeight(Float64Array.from(row), rowsOf(1, row.length), true);
        expect(proven).toBe(true);
        const random = Array.from(row, () => stream.next().value ?? 0);
        for (const activations of [random, worst(values, 1), worst(values, -1)]) {
          const { exact, saturating } = bothSums(values, activations);
          expect(saturating).toBe(exact);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('control: at full range the same weights do overflow, and are not said to be proven', () => {
    const row = Float64Array.of(1, 0.9, -1, -0.9);
    const full = quantizeWeight(row, rowsOf(1, 4), false);
    const { exact, saturating } = bothSums(full.values, worst(full.values, 1));
    expect(saturating).toBeLessThan(exact);
    expect(full.proven).toBe(false);
    const safe = quantizeWeight(row, rowsOf(1, 4), true);
    expect(safe.proven).toBe(true);
    expect(safe.bitsLost[0]).toBeLessThanOrEqual(Math.log2(1.9 / 128 / (1 / 127)) + 1e-6);
  });

  test('at full range every integer is the nearest', () => {
    fc.assert(
      fc.property(weights, (row) => {
        const free = quantizeWeight(Float64Array.from(row), rowsOf(1, row.length), false);
        row.forEach((w, i) =>
          expect(Math.abs(w / (free.scales[0] ?? 1) - (free.values[i] ?? 0))).toBeLessThanOrEqual(0.5001),
        );
      }),
      { seed: 8, numRuns: 200 },
    );
  });

  test('safe weights lose no more than the scale at which no pair has to be cut would', () => {
    fc.assert(
      fc.property(weights, (row) => {
        const values = Float64Array.from(row);
        const safe = quantizeWeight(values, rowsOf(1, row.length), true);
        const error = values.reduce((s, w, i) => s + (w - (safe.values[i] ?? 0) * (safe.scales[0] ?? 1)) ** 2, 0);
        // Half of the largest weight's step when two of them share the range, for each weight.
        const step = (2 * Math.max(...row.map(Math.abs))) / 127;
        expect(error).toBeLessThanOrEqual(row.length * step * step + 1e-12);
      }),
      { seed: 9, numRuns: 200 },
    );
  });

  test('kernels that multiply in 32 bits keep the full range', () => {
    const row = Float64Array.of(1, 0.9);
    const { values, proven } = quantizeWeight(row, rowsOf(1, 2, false), true);
    expect([[...values], proven]).toEqual([[127, 114], true]);
  });

  test('a row of zeros, and one whose bias needs a larger scale', () => {
    const { scales, values } = quantizeWeight(new Float64Array(4), rowsOf(2, 2), true, {
      leastScales: Float64Array.of(0, 0.5),
    });
    expect([[...scales], [...values]]).toEqual([
      [1, 0.5],
      [0, 0, 0, 0],
    ]);
  });
});
