import { sameBytes } from '../base/bytes.js';
import { type DType, elementCount } from '../tensor/dtype.js';
import { asFloat64, isNumeric, type Tensor } from '../tensor/tensor.js';

/** How far two tensors of one type and shape are apart. All in float64. */
export interface Distance {
  /** The largest |a - b| over the finite elements. */
  readonly maxAbs: number;
  /** ||a - b|| / ||b|| over the finite elements; 0 when nothing differs, infinite when only b is all zeros. */
  readonly rmsRelative: number;
  /** The largest |b| over the finite elements. */
  readonly maxReference: number;
  /** Elements that are not equal, bit for bit up to the sign of zero. */
  readonly unequal: number;
  /** Elements where one is NaN or infinite and the other is neither the same nor at the end of the type's range. */
  readonly misplaced: number;
  readonly count: number;
}

export const NO_DISTANCE: Distance = {
  maxAbs: 0,
  rmsRelative: 0,
  maxReference: 0,
  unequal: 0,
  misplaced: 0,
  count: 0,
};

/** Where numbers of a type round to infinity. */
const OVERFLOW: Partial<Record<DType, number>> = {
  float16: 65520,
  bfloat16: 2 ** 127 * (2 - 2 ** -8),
  float32: 2 ** 127 * (2 - 2 ** -24),
};

/**
 * An infinity beside a finite number of its sign in the last binade: one rounding apart or many, as for any two
 * numbers. Otherwise unchanged.
 */
function withinRange(value: number, other: number, overflow: number): number {
  const end = value === Infinity ? overflow : value === -Infinity ? -overflow : value;
  return end !== value && Number.isFinite(other) && other / end >= 0.5 ? end : value;
}

/** The distance of `a` from the reference `b`, which has the same type and shape. */
export function distance(a: Tensor, b: Tensor): Distance {
  if (b.strings || !isNumeric(b.dtype)) return exactDistance(a, b);
  const x = asFloat64(a);
  const y = asFloat64(b);
  let maxAbs = 0;
  let maxReference = 0;
  let sumDifference = 0;
  let sumReference = 0;
  let unequal = 0;
  let misplaced = 0;
  const overflow = OVERFLOW[b.dtype] ?? Number.MAX_VALUE;
  for (let i = 0; i < y.length; i++) {
    let p = x[i] ?? 0;
    let q = y[i] ?? 0;
    if (!Number.isFinite(p) || !Number.isFinite(q)) {
      if (Object.is(p, q)) continue;
      [p, q] = [withinRange(p, q, overflow), withinRange(q, p, overflow)];
      if (!Number.isFinite(p) || !Number.isFinite(q)) {
        unequal += 1;
        misplaced += 1;
        continue;
      }
    }
    if (p !== q) unequal += 1;
    const d = Math.abs(p - q);
    const r = Math.abs(q);
    if (d > maxAbs) maxAbs = d;
    if (r > maxReference) maxReference = r;
    sumDifference += d * d;
    sumReference += r * r;
  }
  const rmsRelative = sumDifference === 0 ? 0 : Math.sqrt(sumDifference / sumReference);
  return { maxAbs, rmsRelative, maxReference, unequal, misplaced, count: y.length };
}

/** For what is not a number: equal or not, element by element (byte by byte for packed types). */
function exactDistance(a: Tensor, b: Tensor): Distance {
  const p = a.strings?.() ?? [a.bytes()];
  const q = b.strings?.() ?? [b.bytes()];
  const unequal = q.filter((element, i) => !sameBytes(element, p[i] ?? new Uint8Array(0))).length;
  return { ...NO_DISTANCE, unequal, maxAbs: unequal > 0 ? Number.POSITIVE_INFINITY : 0, count: q.length };
}

/** Two measurements of one output over several inputs: the worse of each. */
export const worse = (a: Distance, b: Distance): Distance => ({
  maxAbs: Math.max(a.maxAbs, b.maxAbs),
  rmsRelative: Math.max(a.rmsRelative, b.rmsRelative),
  maxReference: Math.max(a.maxReference, b.maxReference),
  unequal: a.unequal + b.unequal,
  misplaced: a.misplaced + b.misplaced,
  count: a.count + b.count,
});

/** Of two measurements of one output the smaller of each. */
export const smaller = (a: Distance, b: Distance): Distance => ({
  maxAbs: Math.min(a.maxAbs, b.maxAbs),
  rmsRelative: Math.min(a.rmsRelative, b.rmsRelative),
  maxReference: Math.max(a.maxReference, b.maxReference),
  unequal: Math.min(a.unequal, b.unequal),
  misplaced: Math.min(a.misplaced, b.misplaced),
  count: a.count,
});

/**
 * The channel (axis 1, or the last axis of what has no more) in which `a` is furthest from `b`, relative to the RMS of
 * all of `b`.
 */
export function worstChannel(a: Tensor, b: Tensor): { readonly channel: number; readonly rmsRelative: number } {
  const x = asFloat64(a);
  const y = asFloat64(b);
  const axis = b.shape.length > 1 ? 1 : 0;
  const channels = b.shape[axis] ?? 1;
  const inner = elementCount(b.shape.slice(axis + 1));
  const sums = new Float64Array(channels);
  let reference = 0;
  for (let i = 0; i < y.length; i++) {
    const q = y[i] ?? 0;
    const p = x[i] ?? 0;
    const c = Math.floor(i / inner) % channels;
    if (Number.isFinite(q)) reference += q * q;
    if (Object.is(p, q)) continue;
    const d = p - q;
    sums[c] = (sums[c] ?? 0) + (Number.isFinite(d) ? d * d : Number.POSITIVE_INFINITY);
  }
  let channel = 0;
  sums.forEach((s, c) => {
    if (s > (sums[channel] ?? 0)) channel = c;
  });
  const perChannel = y.length / Math.max(channels, 1);
  const worst = (sums[channel] ?? 0) / Math.max(perChannel, 1);
  const scale = reference / Math.max(y.length, 1);
  return { channel, rmsRelative: worst === 0 ? 0 : Math.sqrt(worst / scale) };
}

/**
 * In how many rows (all but the last axis) the largest element stands in the same place. Absent for what is no table of
 * scores.
 */
export function argMaxAgreement(a: Tensor, b: Tensor): { readonly same: number; readonly rows: number } | undefined {
  const classes = b.shape.at(-1) ?? 0;
  if (b.shape.length !== 2 || classes < 2 || !/^b?float/.test(b.dtype)) return undefined;
  const x = asFloat64(a);
  const y = asFloat64(b);
  const rows = y.length / classes;
  let same = 0;
  for (let r = 0; r < rows; r++) if (argMax(x, r * classes, classes) === argMax(y, r * classes, classes)) same += 1;
  return { same, rows };
}

function argMax(values: Float64Array, at: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) if ((values[at + i] ?? 0) > (values[at + best] ?? 0)) best = i;
  return best;
}
