import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { zeroPad } from '../../../src/passes/rules/zero-pad.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['pads by nothing', f('t = Pad(x, p: int64[4] = [0,0,0,0])\n y = Relu(t)'), TOL.exact],
  [
    'with its amounts as an attribute',
    `<ir: 8, opset: ["": 10]> (x: float32[n,4]) -> (y)\n t = Pad<pads=[0,0,0,0]>(x)\n y = Relu(t)`,
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(zeroPad, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['amounts-computed', `(x: float32[n,4], p: int64[4]) -> (y)\n t = Pad(x, p)\n y = Relu(t)`],
  ['pads-or-crops', f('t = Pad(x, p: int64[4] = [0,1,0,0])\n y = Relu(t)')],
  ['renames-boundary', f('y = Pad(x, p: int64[4] = [0,0,0,0])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(zeroPad, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
