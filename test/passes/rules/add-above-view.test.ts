import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { addAboveView } from '../../../src/passes/rules/add-above-view.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[6,4]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['Gemm', f('c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,3,6])\n y = Add(r, b: float32[6])')],
  [
    'the addend first, with more axes',
    f('c = MatMul(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,-1,6])\n y = Add(b: float32[1,1,6], r)'),
  ],
  ['one number', f('c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [3,2,6])\n y = Add(r, b: float32[1])')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(addAboveView, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  ['not-a-view', f('y = Add(x, b: float32[4])')],
  ['not-after-product', f('r = Reshape(x, s: int64[3] = [2,3,4])\n y = Add(r, b: float32[4])')],
  [
    'addend-computed',
    f(
      'c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,3,6])\n y = Add(r, b)',
      'x: float32[6,4], b: float32[6]',
    ),
  ],
  [
    'last-axis-changes',
    f('c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [6,2,3])\n y = Add(r, b: float32[3])'),
  ],
  [
    'addend-shape',
    f('c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,3,6])\n y = Add(r, b: float32[3,6])'),
  ],
  [
    'addend-shape',
    f('c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,3,6])\n y = Add(r, b: float32[1,1,1,6])'),
  ],
  [
    'used-elsewhere',
    `(x: float32[6,4]) -> (y, z)\n c = Gemm(x, w: float32[4,6])\n r = Reshape(c, s: int64[3] = [2,3,6])\n y = Add(r, b: float32[6])\n z = Neg(r)`,
  ],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 13]> (x: float32[6,4], c: bool[]) -> (y)\n k = Gemm(x, w: float32[4,6])\n r = Reshape(k, s: int64[3] = [2,3,6])\n q = Mul(r, b: float32[1,6])\n y = If<then_branch={ g () -> (t)\n a = Gemm(x, w)\n u = Reshape(a, s)\n t = Add(u, b) }, else_branch={ g () -> (d)\n d = Neg(q) }>(c)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(addAboveView, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
