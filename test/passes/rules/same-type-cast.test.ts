import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { sameTypeCast } from '../../../src/passes/rules/same-type-cast.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([['to the type that it has', f('t = Cast<to=1>(x)\n y = Relu(t)'), TOL.exact]] as const)(
  '%s',
  async (_, text, tol) => {
    const { before, after, report } = runRule(sameTypeCast, text);
    expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
    expect(report.applied).toBeGreaterThan(0);
    await expectSameOutputs(before, after, tol);
  },
);

test.each([
  ['cast-changes', f('t = Cast<to=11>(x)\n y = Relu(t)')],
  ['renames-boundary', f('y = Cast<to=1>(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(sameTypeCast, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
