import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { dropout } from '../../../src/passes/rules/dropout.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  [
    'does nothing at inference',
    f('t = Dropout(x, ratio: float32[] = [0.5], training: bool[] = [0])\n y = Relu(t)'),
    TOL.exact,
  ],
  [
    'drops nothing with a ratio of 0',
    f('t = Dropout(x, ratio: float32[] = [0], training: bool[] = [1])\n y = Relu(t)'),
    TOL.exact,
  ],
  [
    'versions that can only do inference',
    `<ir: 8, opset: ["": 11]> (x: float32[n,4]) -> (y)\n t = Dropout<ratio=0.5>(x)\n y = Relu(t)`,
    TOL.exact,
  ],
  [
    'before version 10',
    `<ir: 8, opset: ["": 8]> (x: float32[n,4]) -> (y)\n t = Dropout<ratio=0.5>(x)\n y = Relu(t)`,
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(dropout, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['mode-computed', `(x: float32[n,4], b: bool[]) -> (y)\n t = Dropout(x, r: float32[] = [0.5], b)\n y = Relu(t)`],
  ['dropout-trains', f('t = Dropout(x, r: float32[] = [0.5], b: bool[] = [1])\n y = Relu(t)')],
  ['mask-used', `(x: float32[n,4]) -> (y, m)\n t, m = Dropout(x)\n y = Relu(t)`],
  ['renames-boundary', f('y = Dropout(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(dropout, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
