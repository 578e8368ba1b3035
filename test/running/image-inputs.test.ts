import { describe, expect, test } from 'vitest';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { classScores } from '../../src/running/class-scores.js';

const best = (...scores: number[]): readonly number[] =>
  classScores(float32Tensor([1, scores.length], Float32Array.from(scores)), 3)[0]?.map((c) => c.index) ?? [];

describe('the best classes', () => {
  test('of probabilities: as they are', () => {
    const [row] = classScores(float32Tensor([1, 3], Float32Array.of(0.25, 0.125, 0.625)), 2);
    expect(row).toEqual([
      { index: 2, probability: 0.625 },
      { index: 0, probability: 0.25 },
    ]);
  });

  test('of other scores: by softmax', () => {
    const [row] = classScores(float32Tensor([1, 2], Float32Array.of(0, Math.log(3))), 2);
    expect(row?.map((c) => c.index)).toEqual([1, 0]);
    expect(row?.[0]?.probability).toBeCloseTo(0.75, 6);
  });

  test('in order too where all probabilities but one are 0', () =>
    expect(best(-9000, 2000, 9000, 4000)).toEqual([2, 3, 1]));

  test('infinities count, what is no number comes last', () =>
    expect(best(Number.NaN, 1, Number.POSITIVE_INFINITY, 2)).toEqual([2, 3, 1]));

  test('of each row', () => {
    const rows = classScores(float32Tensor([2, 2], Float32Array.of(1, 2, 4, 3)), 1);
    expect(rows.map((r) => r[0]?.index)).toEqual([1, 0]);
  });
});
