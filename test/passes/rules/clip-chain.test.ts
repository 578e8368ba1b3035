import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { clipChain } from '../../../src/passes/rules/clip-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['Relu of a Relu', f('t = Relu(x)\n y = Relu(t)'), TOL.exact],
  ['Relu of a Sigmoid', f('t = Sigmoid(x)\n y = Relu(t)'), TOL.exact],
  ['Clip of a Relu', f('t = Relu(x)\n y = Clip(t, _, b: float32[] = [3])'), TOL.exact],
  ['Relu of a Clip', f('t = Clip(x, a: float32[] = [-1], b: float32[] = [3])\n y = Relu(t)'), TOL.exact],
  [
    'Clip of a Clip',
    f('t = Clip(x, a: float32[] = [-1], b: float32[] = [3])\n y = Clip(t, c: float32[] = [-2], d: float32[] = [2])'),
    TOL.exact,
  ],
  [
    'Clip of a narrower Clip',
    f('t = Clip(x, a: float32[] = [-1], b: float32[] = [1])\n y = Clip(t, c: float32[] = [-2], d: float32[] = [2])'),
    TOL.exact,
  ],
  [
    'with bounds as attributes',
    `<ir: 8, opset: ["": 10]> (x: float32[n,4]) -> (y)\n t = Clip<max=3.0, min=-1.0>(x)\n y = Relu(t)`,
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(clipChain, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['not-clamped', f('y = Relu(x)')],
  ['clamp-computed', `(x: float32[n,4], a: float32[]) -> (y)\n t = Clip(x, a)\n s = Neg(t)\n y = Relu(s)`],
  [
    'ranges-apart',
    f('t = Clip(x, a: float32[] = [-2], b: float32[] = [-1])\n s = Neg(t)\n r = Clip(s, a, b)\n y = Relu(r)'),
  ],
  ['clamp-decides', f('t = Sigmoid(x)\n y = Clip(t, a: float32[] = [0.25])')],
  ['used-elsewhere', `(x: float32[n,4]) -> (y, z)\n t = Relu(x)\n y = Clip(t, _, b: float32[] = [3])\n z = Neg(t)`],
  ['type-unknown', `(x: int32[n,4]) -> (y)\n t = Clip(x, a: int32[] = [-1])\n y = Clip(t, _, b: int32[] = [3])`],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(clipChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
