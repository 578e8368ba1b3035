import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { unitSlope } from '../../../src/passes/rules/unit-slope.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['LeakyRelu', f('a = LeakyRelu<alpha=1.0>(x)\n y = Neg(a)')],
  ['PRelu', f('a = PRelu(x, s: float32[4,1,1] = [1,1,1,1])\n y = Neg(a)')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(unitSlope, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['slope-not-one', f('a = PRelu(x, s: float32[4,1,1] = [1,1,1,2])\n y = Neg(a)')],
  ['renames-boundary', f('y = LeakyRelu<alpha=1.0>(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(unitSlope, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
