import type { Tensor } from '../tensor/tensor.js';
import { asFloat64, isNumeric } from '../tensor/tensor.js';
import type { OutputReport } from './report.js';
import { argMaxAgreement, type Distance, distance, NO_DISTANCE, worse } from './statistics.js';
import { allowedUnequal, HEADROOM, type Precision, type Tolerance, toleranceFor } from './tolerance.js';

export interface Override {
  readonly rtol?: number | undefined;
  readonly atol?: number | undefined;
}

const isFloating = (t: Tensor | undefined): boolean =>
  /^b?float/.test(t?.dtype ?? '') && isNumeric(t?.dtype ?? 'undefined');

/** One output over all inputs: how far apart, and whether that is a mismatch. */
export function judge(
  name: string,
  expected: readonly Tensor[],
  actual: readonly Tensor[],
  floor: Distance,
  precision: Precision,
  override: Override,
): OutputReport {
  const [example] = expected;
  const misfit = expected.flatMap((e, i) => differentKind(e, actual[i]) ?? [])[0];
  const d =
    misfit === undefined ? overRuns(actual, expected) : { ...NO_DISTANCE, maxAbs: Infinity, rmsRelative: Infinity };
  const tolerance = isFloating(example) ? toleranceFor({ ...floor, maxReference: d.maxReference }, precision) : EXACT;
  const manual = override.rtol !== undefined || override.atol !== undefined;
  const mismatch =
    misfit ??
    (!isFloating(example)
      ? exactly(d, floor)
      : manual
        ? elementwise(actual, expected, override)
        : statistically(d, floor, tolerance));
  return {
    name,
    dtype: example?.dtype ?? 'undefined',
    shape: example?.shape ?? [],
    maxAbs: d.maxAbs,
    rmsRelative: d.rmsRelative,
    unequal: d.unequal,
    count: d.count,
    floor: { maxAbs: floor.maxAbs, rmsRelative: floor.rmsRelative, unequal: floor.unequal },
    tolerance,
    argMax: agreement(actual, expected),
    mismatch,
    noise: misfit === undefined && !manual && isFloating(example) && isNoise(d, floor, tolerance),
    leans: misfit === undefined && !manual && leans(d, isFloating(example), precision),
  };
}

const EXACT: Tolerance = { rmsRelative: 0, maxAbs: 0 };

function differentKind(expected: Tensor, actual: Tensor | undefined): string | undefined {
  if (!actual) return 'the second model does not give it';
  const text = (t: Tensor): string => `${t.dtype}[${t.shape.join(',')}]`;
  return text(expected) === text(actual)
    ? undefined
    : `${text(expected)} from the first model, ${text(actual)} from the second`;
}

const overRuns = (actual: readonly Tensor[], expected: readonly Tensor[]): Distance =>
  expected.reduce((d, e, i) => worse(d, distance(actual[i] ?? e, e)), NO_DISTANCE);

function exactly(d: Distance, floor: Distance): string | undefined {
  return d.unequal <= allowedUnequal(floor) ? undefined : `${d.unequal} of ${d.count} elements are not equal`;
}

function statistically(d: Distance, floor: Distance, tolerance: Tolerance): string | undefined {
  if (d.misplaced > HEADROOM * floor.misplaced)
    return `NaN or infinity in one model and not in the other, in ${d.misplaced} of ${d.count} elements`;
  if (d.rmsRelative > tolerance.rmsRelative)
    return `RMS-relative difference ${d.rmsRelative.toExponential(2)}; ${tolerance.rmsRelative.toExponential(2)} is allowed`;
  if (d.maxAbs > tolerance.maxAbs)
    return `largest difference ${d.maxAbs.toExponential(2)}; ${tolerance.maxAbs.toExponential(2)} is allowed`;
  return undefined;
}

/**
 * The reference's own noise explains the difference, and is itself more than the type ever allows: neither a match nor
 * a fault is shown.
 */
const isNoise = (d: Distance, floor: Distance, tolerance: Tolerance): boolean =>
  HEADROOM * floor.rmsRelative > tolerance.rmsRelative &&
  d.rmsRelative <= HEADROOM * floor.rmsRelative &&
  d.maxAbs <= tolerance.maxAbs &&
  d.misplaced <= HEADROOM * floor.misplaced;

/**
 * Whether so large a difference could only be excused by the reference's own noise: ten times what is allowed where
 * there is none. Of integers some may stand on an edge, one in a thousand.
 */
const leans = (d: Distance, isFloat: boolean, precision: Precision): boolean =>
  isFloat
    ? d.rmsRelative > HEADROOM * precision.least ||
      d.maxAbs > HEADROOM * HEADROOM * precision.unit * d.maxReference ||
      d.misplaced > 0
    : d.unequal > Math.max(1, d.count / 1000);

function elementwise(actual: readonly Tensor[], expected: readonly Tensor[], override: Override): string | undefined {
  const { rtol = 0, atol = 0 } = override;
  let outside = 0;
  let count = 0;
  expected.forEach((e, i) => {
    const x = asFloat64(actual[i] ?? e);
    const y = asFloat64(e);
    count += y.length;
    y.forEach((q, k) => {
      const p = x[k] ?? 0;
      if (!Object.is(p, q) && !(Math.abs(p - q) <= atol + rtol * Math.abs(q))) outside += 1;
    });
  });
  return outside === 0
    ? undefined
    : `${outside} of ${count} elements differ by more than ${atol} + ${rtol} |reference|`;
}

function agreement(actual: readonly Tensor[], expected: readonly Tensor[]): OutputReport['argMax'] {
  let same = 0;
  let rows = 0;
  for (const [i, e] of expected.entries()) {
    const a = actual[i];
    const one = a && a.shape.join() === e.shape.join() ? argMaxAgreement(a, e) : undefined;
    if (!one) return undefined;
    same += one.same;
    rows += one.rows;
  }
  return { same, rows };
}
