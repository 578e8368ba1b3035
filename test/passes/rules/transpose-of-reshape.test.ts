import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { transposeOfReshape } from '../../../src/passes/rules/transpose-of-reshape.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,6,4,5]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  [
    'a Reshape that splits',
    f(
      't = Transpose<perm=[0,2,3,1]>(x)\n r = Reshape(t, a: int64[5] = [2,4,5,2,3])\n y = Transpose<perm=[0,3,4,1,2]>(r)',
    ),
  ],
  [
    'a Reshape that joins',
    f('t = Transpose<perm=[0,2,3,1]>(x)\n r = Reshape(t, a: int64[3] = [2,20,6])\n y = Transpose<perm=[0,2,1]>(r)'),
  ],
  [
    'an open batch',
    f(
      't = Transpose<perm=[0,2,3,1]>(x)\n r = Reshape(t, a: int64[3] = [0,20,6])\n y = Transpose<perm=[1,2,0]>(r)',
      'x: float32[n,6,4,5]',
    ),
  ],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(transposeOfReshape, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-after-transpose', f('r = Reshape(x, a: int64[3] = [2,6,20])\n y = Transpose<perm=[0,2,1]>(r)')],
  [
    'view-mixes-axes',
    f('t = Transpose<perm=[0,2,3,1]>(x)\n r = Reshape(t, a: int64[3] = [10,8,3])\n y = Transpose<perm=[0,2,1]>(r)'),
  ],
  [
    'used-elsewhere',
    `(x: float32[2,6]) -> (y, z)\n t = Transpose<perm=[1,0]>(x)\n r = Reshape(t, a: int64[3] = [3,2,2])\n y = Transpose<perm=[2,1,0]>(r)\n z = Neg(t)`,
  ],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 13]> (x: float32[2,6], c: bool[]) -> (y)\n k = Reshape(x, a: int64[3] = [3,2,2])\n y = If<then_branch={ g () -> (q)\n t = Transpose<perm=[1,0]>(x)\n r = Reshape(t, a)\n q = Transpose<perm=[2,1,0]>(r) }, else_branch={ g () -> (d)\n d = Neg(k) }>(c)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(transposeOfReshape, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
