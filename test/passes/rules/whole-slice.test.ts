import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { wholeSlice } from '../../../src/passes/rules/whole-slice.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  [
    'takes everything',
    f('t = Slice(x, a: int64[1] = [0], b: int64[1] = [9], i: int64[1] = [1])\n y = Relu(t)'),
    TOL.exact,
  ],
  [
    'with its ranges as attributes',
    `<ir: 8, opset: ["": 9]> (x: float32[n,4]) -> (y)\n t = Slice<axes=[1], ends=[4], starts=[0]>(x)\n y = Relu(t)`,
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(wholeSlice, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['takes-part', f('t = Slice(x, a: int64[1] = [1], b: int64[1] = [9], i: int64[1] = [1])\n y = Relu(t)')],
  [
    'reverses',
    f('t = Slice(x, a: int64[1] = [-1], b: int64[1] = [-9], i: int64[1] = [1], s: int64[1] = [-1])\n y = Relu(t)'),
  ],
  [
    'range-computed',
    `(x: float32[4], a: int64[1]) -> (y)\n t: float32[4] = Slice(x, a, b: int64[1] = [9])\n y = Relu(t)`,
  ],
  ['renames-boundary', f('y = Slice(x, a: int64[1] = [0], b: int64[1] = [4], i: int64[1] = [1])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(wholeSlice, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
