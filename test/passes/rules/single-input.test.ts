import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { singleInput } from '../../../src/passes/rules/single-input.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['Concat of one', f('t = Concat<axis=1>(x)\n y = Relu(t)'), TOL.exact],
  ['Sum, Mean, Min and Max of one', f('a = Sum(x)\n b = Mean(a)\n c = Min(b)\n d = Max(c)\n y = Relu(d)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(singleInput, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['several-inputs', f('t = Sum(x, x)\n y = Relu(t)')],
  ['renames-boundary', f('y = Sum(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(singleInput, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
