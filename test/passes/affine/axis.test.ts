import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Axis,
  align,
  axisOf,
  compose,
  outputLength,
  padBegin,
  padEnd,
  withoutCrops,
} from '../../../src/passes/affine/axis.js';
import { isSkip, skip } from '../../../src/passes/rule.js';

/** A convolution along one axis, straight from its definition, over an input that is zero outside. Pads may be negative. */
function run(axis: Axis, kernel: readonly number[], input: readonly number[]): number[] {
  const out = Math.max(0, outputLength(axis, input.length));
  return Array.from({ length: out }, (_, o) =>
    kernel.reduce((sum, w, t) => sum + w * (input[o * axis.stride - padBegin(axis) + t * axis.dilation] ?? 0), 0),
  );
}

const kernelOf = (taps: number, seed: number): number[] =>
  Array.from({ length: taps }, (_, t) => ((t * 7 + seed * 13) % 11) - 5);
const input = (length: number): number[] => Array.from({ length }, (_, i) => ((i * 37) % 17) - 8);

const arbitraryAxis = (low: number): fc.Arbitrary<Axis> =>
  fc
    .record({
      taps: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: 3 }),
      begin: fc.integer({ min: low, max: 3 }),
      end: fc.integer({ min: low, max: 3 }),
    })
    .map((a) => axisOf(a.taps, a.stride, a.dilation, a.begin, a.end));

test('pads are what they were made of', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -3, max: 3 }),
      (taps, stride, dilation, begin, end) => {
        const axis = axisOf(taps, stride, dilation, begin, end);
        expect([padBegin(axis), padEnd(axis)]).toEqual([begin, end]);
      },
    ),
  );
});

test('a composition that is allowed equals one window after the other, at every length', () => {
  let allowed = 0;
  fc.assert(
    fc.property(arbitraryAxis(-1), arbitraryAxis(-1), fc.integer({ min: 12, max: 24 }), (outer, inner, length) => {
      const composed = compose(outer, inner, true);
      if (isSkip(composed)) return;
      allowed += 1;
      const [v, w] = [kernelOf(outer.taps, 1), kernelOf(inner.taps, 2)];
      const joint = Array.from({ length: composed.axis.taps }, () => 0);
      v.forEach((a, t) =>
        w.forEach(
          (b, u) =>
            (joint[t * composed.outerStep + u * composed.innerStep] =
              (joint[t * composed.outerStep + u * composed.innerStep] ?? 0) + a * b),
        ),
      );
      expect(run(composed.axis, joint, input(length))).toEqual(run(outer, v, run(inner, w, input(length))));
    }),
    { numRuns: 2000, seed: 1 },
  );
  expect(allowed).toBeGreaterThan(300);
});

test.each([
  ['3 taps, pad 1, above 3 taps, pad 1', axisOf(3, 1, 1, 1, 1), axisOf(3, 1, 1, 1, 1), true, 'padded-above-window'],
  ['3 taps, pad 1, above a bias', axisOf(3, 1, 1, 1, 1), axisOf(1, 1, 1, 0, 0), false, 'padded-above-bias'],
] as const)('refuses %s', (_, outer, inner, zeroBelow, why) => {
  expect(compose(outer, inner, zeroBelow)).toEqual(skip(why));
});

/** A second window that often gives as many outputs as the first. */
const besides = (a: Axis): fc.Arbitrary<Axis> =>
  fc
    .record({
      taps: fc.integer({ min: 1, max: 5 }),
      begin: fc.integer({ min: -2, max: 3 }),
      slack: fc.integer({ min: 0, max: 1 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      stride: fc.constantFrom(0, 0, 0, 1),
    })
    .map((b) => {
      const end = a.slack + b.slack + 1 + (b.taps - 1) * b.dilation - b.begin;
      return axisOf(b.taps, a.stride + b.stride, b.dilation, b.begin, end);
    });

test('an alignment that is allowed sums both windows, at every length where it says so', () => {
  let allowed = 0;
  fc.assert(
    fc.property(
      arbitraryAxis(-1).chain((a) => fc.tuple(fc.constant(a), besides(a))),
      fc.integer({ min: 12, max: 24 }),
      fc.boolean(),
      ([a, b], length, known) => {
        const aligned = align(a, b, known ? length : undefined);
        if (isSkip(aligned)) return;
        allowed += 1;
        const [v, w] = [kernelOf(a.taps, 1), kernelOf(b.taps, 2)];
        const joint = Array.from({ length: aligned.axis.taps }, () => 0);
        const place = (x: number, at: number): void => {
          joint[at] = (joint[at] ?? 0) + x;
        };
        v.forEach((x, t) => place(x, aligned.starts[0] + aligned.steps[0] * t));
        w.forEach((x, t) => place(x, aligned.starts[1] + aligned.steps[1] * t));
        const [p, q] = [run(a, v, input(length)), run(b, w, input(length))];
        expect(p.length).toBe(q.length);
        expect(run(aligned.axis, joint, input(length))).toEqual(p.map((x, i) => x + (q[i] ?? 0)));
      },
    ),
    { numRuns: 2000, seed: 1 },
  );
  expect(allowed).toBeGreaterThan(500);
});

test('a crop becomes zero taps', () => {
  fc.assert(
    fc.property(arbitraryAxis(-3), fc.integer({ min: 16, max: 24 }), (axis, length) => {
      const legal = withoutCrops(axis);
      expect(Math.min(padBegin(legal.axis), padEnd(legal.axis))).toBeGreaterThanOrEqual(0);
      const kernel = kernelOf(axis.taps, 3);
      const wide = Array.from({ length: legal.axis.taps }, () => 0);
      kernel.forEach((x, t) => (wide[legal.before + t] = x));
      expect(run(legal.axis, wide, input(length))).toEqual(run(axis, kernel, input(length)));
    }),
    { numRuns: 1000, seed: 1 },
  );
});
