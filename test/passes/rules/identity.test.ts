import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { identity } from '../../../src/passes/rules/identity.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['lets its users read what it reads', f('t = Identity(x)\n y = Relu(t)'), TOL.exact],
  ['an output keeps its name', f('t = Relu(x)\n y = Identity(t)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(identity, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([['renames-boundary', f('y = Identity(x)')]])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(identity, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
