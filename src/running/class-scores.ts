import { asFloat64, isFloat, type Tensor } from '../tensor/tensor.js';
import type { Feeds } from './session.js';

/** A class and its probability. */
export interface ClassScore {
  readonly index: number;
  readonly probability: number;
}

/** The first table of scores, N,K, among the outputs of a model. */
export const scoreTable = (outputs: Feeds): Tensor | undefined =>
  [...outputs.values()].find((t) => t.shape.length === 2 && (t.shape[1] ?? 0) > 1 && isFloat(t.dtype));

/**
 * Of each row of a table of scores N,K, classes by falling score. Scores that are no probabilities go through softmax; they are not compared
 * after it, where all but the best may be 0.
 */
export function classScores(scores: Tensor, top: number): readonly (readonly ClassScore[])[] {
  const classes = scores.shape.at(-1) ?? 0;
  const values = asFloat64(scores);
  return Array.from({ length: classes === 0 ? 0 : values.length / classes }, (_, n) => {
    const row = values.subarray(n * classes, (n + 1) * classes);
    const p = probabilities(row);
    return Array.from(row.keys())
      .sort((a, b) => fallingWithNanLast(row[a] ?? Number.NaN, row[b] ?? Number.NaN))
      .slice(0, top)
      .map((index) => ({ index, probability: p[index] ?? Number.NaN }));
  });
}

function fallingWithNanLast(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : b > a ? 1 : -1;
}

function probabilities(row: Float64Array): Float64Array {
  const sum = row.reduce((s, v) => s + v, 0);
  if (Math.abs(sum - 1) < 1e-3 && row.every((v) => v >= 0)) return row;
  const largest = row.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  const powers = row.map((v) => Math.exp(v - largest));
  const total = powers.reduce((s, v) => s + v, 0);
  return powers.map((v) => v / total);
}
