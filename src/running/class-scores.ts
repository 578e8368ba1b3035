import { asFloat64, isFloat, type Tensor, tensor } from '../tensor/tensor.js';
import type { Feeds, Port } from './session.js';

/** A class and its probability. */
export interface ClassScore {
  readonly index: number;
  readonly probability: number;
}

/** The first table of scores, N,K, among the outputs of a model; axes of 1 behind it are left out. */
export function scoreTable(outputs: Feeds): Tensor | undefined {
  const found = [...outputs.values()].find((t) => isFloat(t.dtype) && isTable(t.shape));
  return found && tensor(found.dtype, found.shape.slice(0, 2), found.bytes());
}

/** Whether sizes are those of a table of scores: N,K, or N,K,1,1. */
export const isTable = (shape: readonly (number | string)[]): boolean =>
  shape.length >= 2 && shape[1] !== 1 && shape.slice(2).every((d) => d === 1);

/** Of each row of a table N,K: the `top` best classes, the best first; of equal scores the first, what is no number last. */
export function bestClasses(scores: Tensor, top: number): readonly (readonly number[])[] {
  const [rows = 0, classes = 0] = scores.shape;
  const values = asFloat64(scores);
  return Array.from({ length: rows }, (_, n) => {
    const row = values.subarray(n * classes, (n + 1) * classes);
    const best: number[] = [];
    for (let i = 0; i < classes; i++) {
      let place = best.length;
      while (place > 0 && fallingWithNanLast(row[best[place - 1] ?? 0] ?? 0, row[i] ?? 0) > 0) place -= 1;
      if (place >= top) continue;
      best.splice(place, 0, i);
      if (best.length > top) best.pop();
    }
    return best;
  });
}

/** How many classes the first output that is a table of scores has, as a session describes it; undefined where there is none. */
export function scoreTablePort(outputs: readonly Port[]): number | undefined {
  const port = outputs.find((p) => p.dtype !== undefined && isFloat(p.dtype) && isTable(p.shape));
  const classes = port?.shape[1];
  return typeof classes === 'number' && classes > 1 ? classes : undefined;
}

/**
 * Of each row of a table of scores N,K, classes by falling score. Scores that are no probabilities go through softmax; they are not compared
 * after it, where all but the best may be 0.
 */
export function classScores(scores: Tensor, top: number): readonly (readonly ClassScore[])[] {
  const classes = scores.shape.at(-1) ?? 0;
  const values = asFloat64(scores);
  const best = bestClasses(scores, top);
  return Array.from({ length: classes === 0 ? 0 : values.length / classes }, (_, n) => {
    const row = values.subarray(n * classes, (n + 1) * classes);
    const p = probabilities(row);
    return (best[n] ?? []).map((index) => ({ index, probability: p[index] ?? Number.NaN }));
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
