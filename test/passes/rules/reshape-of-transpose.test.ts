import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { reshapeOfTranspose } from '../../../src/passes/rules/reshape-of-transpose.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,6,4,5]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  [
    'halves of a channel shuffle',
    f(
      'r = Reshape(x, a: int64[3] = [6,2,20])\n t = Transpose<perm=[1,0,2]>(r)\n y = Reshape(t, b: int64[5] = [2,2,3,4,5])',
    ),
  ],
  [
    'an open batch',
    f(
      'r = Reshape(x, a: int64[3] = [-1,2,20])\n t = Transpose<perm=[1,0,2]>(r)\n y = Reshape(t, b: int64[5] = [2,-1,3,4,5])',
      'x: float32[n,6,4,5]',
    ),
  ],
  [
    'axes of size 1',
    f('r = Flatten<axis=2>(x)\n t = Transpose<perm=[1,0]>(r)\n y = Reshape(t, b: int64[6] = [1,20,1,12,1,1])'),
  ],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(reshapeOfTranspose, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-after-transpose', f('y = Reshape(x, a: int64[2] = [12,20])')],
  ['not-a-view', f('t = Transpose<perm=[1,0,2,3]>(x)\n y = Reshape(t, a: int64[5] = [6,2,2,2,5])')],
  [
    'view-joins',
    f(
      'r = Reshape(x, a: int64[5] = [2,2,3,4,5])\n t = Transpose<perm=[0,2,1,3,4]>(r)\n y = Reshape(t, b: int64[4] = [2,6,4,5])',
    ),
  ],
  [
    'used-elsewhere',
    `(x: float32[2,6]) -> (y, z)\n r = Reshape(x, a: int64[2] = [4,3])\n t = Transpose<perm=[1,0]>(r)\n y = Reshape(t, b: int64[3] = [3,2,2])\n z = Neg(t)`,
  ],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 13]> (x: float32[2,6], c: bool[]) -> (y)\n k = Reshape(x, a: int64[2] = [4,3])\n l = Reshape(k, b: int64[3] = [3,2,2])\n y = If<then_branch={ g () -> (q)\n r = Reshape(x, a)\n t = Transpose<perm=[1,0]>(r)\n q = Reshape(t, b) }, else_branch={ g () -> (d)\n d = Neg(l) }>(c)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(reshapeOfTranspose, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
