import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { foldTranspose } from '../../../src/passes/rules/fold-transpose.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  [
    'the data is put in another order',
    f('c = Transpose(w: float32[4,3])\n t = Transpose<perm=[1,0]>(c)\n y = MatMul(x, t)'),
    TOL.float32,
  ],
  ['of three axes', f('c = Transpose<perm=[1,2,0]>(w: float32[4,3,2])\n y = Add(x, c)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(foldTranspose, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['input-computed', f('t = Transpose(x)\n y = Relu(t)')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 11]> (x: float32[n,4], b: bool[]) -> (y)\n y = If<else_branch={() -> (v) v = Neg(x) }, then_branch={() -> (z)\n c = Transpose(w: float32[4,1])\n z = Add(x, c) }>(b)`,
  ],
  ['is-output', f('y = Transpose(w: float32[4,3])')],
  [
    'constant-large',
    `(x: float32[n,600]) -> (y, z)\n t = Transpose(w: float32[600,600])\n y = Add(x, t)\n z = Add(x, w)`,
  ],
  ['not-movable', `(x: float32[n,4]) -> (y)\n t = Transpose(w: string[2,1] = ["a","b"])\n y = Identity(t)`],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(foldTranspose, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
