import { compensate, type Inputs } from './compensate.js';
import { compensateChannels, type Together } from './compensate-channels.js';
import type { Rows } from './rows.js';

/** The largest magnitude of a weight: -128 is left out, so that negating is possible everywhere. */
const MOST = 127;

/**
 * The largest sum of the positive (or negative) weights of a pair: 255 * 128 = 32,640 fits int16, and 255 * 129 = 32,895 does not.
 */
const MOST_OF_PAIR = 128;

/** A row of smaller weights is nothing, and products of its scale would be subnormal. */
const LEAST_SCALE = 2 ** -100;

export interface QuantizedWeight {
  /** In the order of the tensor. */
  readonly values: Int8Array;
  /** By row; float32 values. */
  readonly scales: Float32Array;
  /** By row: how much larger the scale is than at full range, as a power of two. */
  readonly bitsLost: Float64Array;
  /** Whether the integers themselves were found not to overflow, in every row. */
  readonly proven: boolean;
}

export interface WeightOptions {
  /** Bounds of scales from below, from the rows' biases. */
  readonly leastScales?: Float64Array | undefined;
  /** What is known of the inputs of a row: its roundings then compensate each other. */
  readonly inputsOf?: ((row: number) => Inputs | undefined) | undefined;
  /** How channels of that input go together, where it is known. */
  readonly together?: Together | undefined;
}

/**
 * Weights as int8 with a scale for each row: the smallest at which the row fits; with `safe` such that no two products that a kernel adds in int16 can
 * overflow, whatever the activations (0 to 255) are.
 */
export function quantizeWeight(
  weight: Float64Array,
  rows: Rows,
  safe: boolean,
  { leastScales, inputsOf, together }: WeightOptions = {},
): QuantizedWeight {
  const values = new Int8Array(weight.length);
  const scales = new Float32Array(rows.count);
  const bitsLost = new Float64Array(rows.count);
  const bound = safe && rows.paired;
  let proven = true;
  for (let o = 0; o < rows.count; o++) {
    const row = Float64Array.from(rows.order, (at) => weight[o * rows.rowStep + at] ?? 0);
    const full = Math.max(largest(row) / MOST, leastScales?.[o] ?? 0);
    const exact = bound ? Math.max(full, largestPair(row) / MOST_OF_PAIR) : full;
    const safest = exact >= LEAST_SCALE ? exact : 1;
    const scale = bound && full > 0 ? safeScale(row, full, safest) : safest;
    const best = bestOf(row, scale, bound, inputsOf?.(o), together);
    scales[o] = best.scale;
    bitsLost[o] = full > 0 ? Math.log2(best.scale / full) : 0;
    const { integers } = best;
    proven &&= !rows.paired || isSafe(integers);
    integers.forEach((q, j) => (values[o * rows.rowStep + (rows.order[j] ?? 0)] = q));
  }
  return { values, scales, bitsLost, proven };
}

/** Scales between full range, where some pairs have to be cut, and the one at which none has. */
const SAFE_TRIES = 8;

/** The scale with the least squared error: in long rows a few pairs that are cut cost less than a coarser scale for all. */
function safeScale(row: Float64Array, full: number, safest: number): number {
  if (safest <= full) return safest;
  let best = { scale: safest, error: Number.POSITIVE_INFINITY };
  for (let i = 0; i <= SAFE_TRIES; i++) {
    const scale = Math.fround(full * (safest / full) ** (i / SAFE_TRIES));
    const integers = rounded(row, scale);
    lowerPairs(integers, row, scale);
    const error = row.reduce((sum, w, j) => sum + (w - (integers[j] ?? 0) * scale) ** 2, 0);
    if (error < best.error) best = { scale, error };
  }
  return best.scale;
}

interface RowInIntegers {
  readonly scale: number;
  readonly integers: Int32Array;
}

/** With so few weights in a row larger scales are tried too: how well their errors cancel is a matter of chance. */
const FEW_WEIGHTS = 32;
const TRIES = 24;
const WIDEST = 1.2;

/** The row at its smallest scale, or at one a little larger at which its roundings cancel better. */
function bestOf(
  row: Float64Array,
  least: number,
  bound: boolean,
  inputs: Inputs | undefined,
  together: Together | undefined,
): RowInIntegers {
  const tries = inputs && row.length <= FEW_WEIGHTS ? TRIES : 1;
  let best: (RowInIntegers & { readonly noise: number }) | undefined;
  for (let i = 0; i < tries; i++) {
    const scale = Math.fround(least * WIDEST ** (i / Math.max(1, tries - 1)));
    const integers = rounded(row, scale);
    if (bound) lowerPairs(integers, row, scale);
    const allows = (j: number, q: number): boolean => Math.abs(q) <= MOST && (!bound || fits(q, integers[j ^ 1] ?? 0));
    const steps = !inputs
      ? 0
      : together
        ? compensateChannels(row, scale, integers, inputs, together, allows)
        : compensate(row, scale, integers, inputs, allows);
    const noise = steps * scale * scale;
    if (!best || noise < best.noise) best = { scale, integers, noise };
  }
  if (!best) throw new Error('bug: no scale was tried');
  return best;
}

const largest = (row: Float64Array): number => row.reduce((m, w) => Math.max(m, Math.abs(w)), 0);

/** Over pairs (0,1), (2,3), ...: the largest sum of positive parts, or of negative ones. */
function largestPair(row: Float64Array): number {
  let most = 0;
  for (let j = 0; j < row.length; j += 2) {
    const [a = 0, b = 0] = [row[j], row[j + 1]];
    most = Math.max(most, Math.max(a, 0) + Math.max(b, 0), Math.max(-a, 0) + Math.max(-b, 0));
  }
  return most;
}

const rounded = (row: Float64Array, scale: number): Int32Array =>
  Int32Array.from(row, (w) => Math.max(-MOST, Math.min(MOST, Math.round(w / scale))));

/** Pairs above the bound are brought down to it: what is too much is taken from both alike, of an odd number one more from the one that was lifted further. */
function lowerPairs(integers: Int32Array, row: Float64Array, scale: number): void {
  for (let j = 0; j + 1 < integers.length; j += 2) {
    const [a = 0, b = 0] = [integers[j], integers[j + 1]];
    const excess = Math.abs(a + b) - MOST_OF_PAIR;
    if (a * b <= 0 || excess <= 0) continue;
    const lift = (q: number, w: number): number => Math.abs(q) - Math.abs(w / scale);
    const more = lift(a, row[j] ?? 0) >= lift(b, row[j + 1] ?? 0);
    const half = Math.floor(excess / 2);
    const [x, y] = more ? [excess - half, half] : [half, excess - half];
    integers[j] = a - Math.sign(a) * x;
    integers[j + 1] = b - Math.sign(b) * y;
  }
}

/** Whether a pair of weights cannot leave int16. */
const fits = (a: number, b: number): boolean =>
  Math.max(a, 0) + Math.max(b, 0) <= MOST_OF_PAIR && Math.max(-a, 0) + Math.max(-b, 0) <= MOST_OF_PAIR;

/** The proof: no pair of these very integers can leave int16. */
export function isSafe(integers: Int32Array): boolean {
  for (let j = 0; j < integers.length; j += 2) {
    if (!fits(integers[j] ?? 0, integers[j + 1] ?? 0)) return false;
  }
  return true;
}
