import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { transposeChain } from '../../../src/passes/rules/transpose-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,3,8,8]) -> (y)\n ${body}`;

test.each([
  ['two become one', f('t = Transpose<perm=[0,2,3,1]>(x)\n y = Transpose<perm=[0,2,1,3]>(t)'), TOL.exact],
  [
    'two that undo each other',
    f('t = Transpose<perm=[0,2,3,1]>(x)\n s = Transpose<perm=[0,3,1,2]>(t)\n y = Relu(s)'),
    TOL.exact,
  ],
  ['one that keeps the order', f('t = Transpose<perm=[0,1,2,3]>(x)\n y = Relu(t)'), TOL.exact],
  ['without perm the order is reversed', f('t = Transpose(x)\n s = Transpose(t)\n y = Relu(s)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(transposeChain, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['rank-unknown', `(x: float32) -> (y)\n t = Custom(x)\n s = Transpose(t)\n y = Relu(s)`],
  ['not-a-chain', f('y = Transpose<perm=[0,2,3,1]>(x)')],
  ['renames-boundary', f('y = Transpose<perm=[0,1,2,3]>(x)')],
  [
    'used-elsewhere',
    `(x: float32[n,3,8,8]) -> (y, z)\n t = Transpose<perm=[0,2,3,1]>(x)\n y = Transpose<perm=[0,2,1,3]>(t)\n z = Relu(t)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(transposeChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
