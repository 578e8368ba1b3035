import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { matmulAdd } from '../../../src/passes/rules/matmul-add.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (c: string, sum = 'Add(t, c)'): string =>
  `(a: float32[n,4], ${c}) -> (y)\n t = MatMul(a, b: float32[4,5])\n y = ${sum}`;

test.each([
  ['a bias', f('c: float32[5]'), TOL.float32],
  ['a matrix, first', f('c: float32[n,5]', 'Add(c, t)'), TOL.float32],
  ['a scalar', f('c: float32[]'), TOL.float32],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(matmulAdd, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['not-after-product', f('c: float32[5]', 'Add(c, c)')],
  ['not-matrices', f('c: float32[5]').replace('[n,4]', '[n,2,4]')],
  ['used-elsewhere', f('c: float32[5]').replace('(y)', '(y, t)')],
  ['addend-shape', f('c: float32[3,1]')],
  ['addend-shape', f('c: float32[1,1,5]')],
  ['not-single-float', f('c: float16[5]').replaceAll('float32', 'float16')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(matmulAdd, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
