import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  composeKernels,
  composedGroups,
  embed,
  type Plain,
  product,
  regroup,
  scaleRows,
  throughKernel,
} from '../../../src/passes/affine/kernel.js';

/* Each against loops over dense matrices: entry (output, input, tap), zero where the groups do not meet. */

const numbers = (count: number, seed: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => (((i + 1) * 37 + seed * 101) % 23) - 11);

/** The entry of a grouped kernel for any input channel. */
function entry(k: Plain, output: number, input: number, tap: number): number {
  const width = k.inputs / k.groups;
  if (Math.floor(input / width) !== Math.floor(output / (k.outputs / k.groups))) return 0;
  return k.kernel[(output * width + (input % width)) * product(k.taps) + tap] ?? Number.NaN;
}

const placesOf = (taps: readonly number[]): number[][] =>
  taps.reduce<number[][]>((all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])), [[]]);

const flat = (place: readonly number[], taps: readonly number[]): number =>
  place.reduce((sum, p, i) => sum * (taps[i] ?? 1) + p, 0);

const plain = (outputs: number, inputs: number, groups: number, taps: readonly number[], seed: number): Plain => ({
  outputs,
  inputs,
  groups,
  taps,
  kernel: numbers((outputs * inputs * product(taps)) / groups, seed),
});

const small = fc.integer({ min: 1, max: 3 });
const pairs = fc.integer({ min: 1, max: 3 }).chain((rank) =>
  fc.record({
    taps: fc.array(small, { minLength: rank, maxLength: rank }),
    below: fc.array(small, { minLength: rank, maxLength: rank }),
    steps: fc.array(small, { minLength: 2 * rank, maxLength: 2 * rank }),
    // Blocks of either, in a number of middle channels that both divide.
    groups: fc.constantFrom([1, 1], [2, 2], [1, 2], [2, 1], [4, 2], [2, 4], [4, 4], [3, 3], [6, 2], [2, 3]),
    rows: small,
    width: small,
    middle: fc.integer({ min: 1, max: 2 }),
    depthwise: fc.constantFrom('neither', 'outer', 'inner'),
  }),
);

test('a composition is the product of the two matrices, tap by tap', () => {
  fc.assert(
    fc.property(pairs, ({ taps, below, steps, groups, rows, width, middle, depthwise }) => {
      const [above = 1, under = 1] = groups;
      const channels = middle * 12;
      const outerGroups = depthwise === 'outer' ? channels : above;
      const innerGroups = depthwise === 'inner' ? channels : under;
      const outer = plain(depthwise === 'outer' ? channels : rows * above, channels, outerGroups, taps, 1);
      const inner = plain(channels, depthwise === 'inner' ? channels : width * under, innerGroups, below, 2);
      const rank = taps.length;
      const [outerSteps, innerSteps] = [steps.slice(0, rank), steps.slice(rank)];
      const size = taps.map(
        (n, i) => (n - 1) * (outerSteps[i] ?? 1) + ((below[i] ?? 1) - 1) * (innerSteps[i] ?? 1) + 1,
      );
      const kernel = composeKernels(outer, inner, { taps: size, outer: outerSteps, inner: innerSteps });
      const found: Plain = { ...outer, inputs: inner.inputs, groups: composedGroups(outer, inner), taps: size, kernel };
      const [outerPlaces, innerPlaces] = [placesOf(taps), placesOf(below)];
      for (let o = 0; o < outer.outputs; o++) {
        for (let i = 0; i < inner.inputs; i++) {
          const expected = new Float64Array(product(size));
          for (const [t, p] of outerPlaces.entries()) {
            for (const [u, q] of innerPlaces.entries()) {
              const place = p.map((v, axis) => v * (outerSteps[axis] ?? 1) + (q[axis] ?? 0) * (innerSteps[axis] ?? 1));
              const at = flat(place, size);
              for (let m = 0; m < channels; m++)
                expected[at] = (expected[at] ?? 0) + entry(outer, o, m, t) * entry(inner, m, i, u);
            }
          }
          expect(Array.from(expected, (_, t) => entry(found, o, i, t))).toEqual(Array.from(expected));
        }
      }
    }),
    { numRuns: 150, seed: 3 },
  );
});

test('in fewer groups it is the same matrix', () => {
  fc.assert(
    fc.property(small, small, small, small, small, (to, factor, rows, width, taps) => {
      const from = to * factor;
      const k = plain(rows * from, width * from, from, [taps], 1);
      const kernel = regroup(k.kernel, k.outputs, k.inputs, taps, from, to);
      const wider: Plain = { ...k, groups: to, kernel };
      for (let o = 0; o < k.outputs; o++)
        for (let i = 0; i < k.inputs; i++)
          for (let t = 0; t < taps; t++) expect(entry(wider, o, i, t)).toBe(entry(k, o, i, t));
    }),
    { seed: 4 },
  );
});

test('embedded, every tap stands at its start and the rest is zero', () => {
  const axis = fc.record({ taps: small, before: fc.nat(2), after: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 4 }), (axes, planes) => {
      const taps = axes.map((a) => a.taps);
      const shape = axes.map((a) => a.taps + a.before + a.after);
      const starts = axes.map((a) => a.before);
      const kernel = numbers(planes * product(taps), 5);
      const expected = new Float64Array(planes * product(shape));
      for (let p = 0; p < planes; p++)
        for (const [t, place] of placesOf(taps).entries())
          expected[
            p * product(shape) +
              flat(
                place.map((v, i) => v + (starts[i] ?? 0)),
                shape,
              )
          ] = kernel[p * product(taps) + t] ?? 0;
      expect(embed(kernel, taps, shape, starts)).toEqual(expected);
    }),
    { seed: 5 },
  );
});

test('a constant goes through a kernel as what the kernel makes of it', () => {
  fc.assert(
    fc.property(small, small, small, small, (groups, rows, width, taps) => {
      const k = plain(rows * groups, width * groups, groups, [taps, 2], 6);
      const constant = numbers(k.inputs, 7);
      const expected = Array.from({ length: k.outputs }, (_, o) => {
        let sum = 0;
        for (let i = 0; i < k.inputs; i++)
          for (let t = 0; t < 2 * taps; t++) sum += entry(k, o, i, t) * (constant[i] ?? 0);
        return sum;
      });
      expect(Array.from(throughKernel(k, constant))).toEqual(expected);
    }),
    { seed: 6 },
  );
});

test('rows are scaled each by its own factor', () => {
  const k = plain(3, 2, 1, [2], 8);
  const before = k.kernel.slice();
  expect(Array.from(scaleRows(k.kernel, Float64Array.of(2, 0, -1)))).toEqual(
    Array.from(before, (v, i) => v * ([2, 0, -1][Math.floor(i / 4)] ?? 0)),
  );
});
