import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { sameShapeView } from '../../../src/passes/rules/same-shape-view.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['Reshape to the shape that it has', f('t = Reshape(x, s: int64[2] = [-1,4])\n y = Relu(t)'), TOL.exact],
  ['Flatten of a matrix', f('t = Flatten(x)\n y = Relu(t)'), TOL.exact],
  ['Expand to the shape that it has', f('t = Expand(x, s: int64[2] = [1,4])\n y = Relu(t)'), TOL.exact],
  ['Squeeze of nothing', `(x: float32[2,4]) -> (y)\n t = Squeeze(x)\n y = Relu(t)`, TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(sameShapeView, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['shape-changes', f('t = Reshape(x, s: int64[1] = [-1])\n y = Relu(t)')],
  ['renames-boundary', f('y = Flatten(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(sameShapeView, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
