import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { constantNode } from '../../../src/passes/rules/constant-node.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['its value becomes an initializer', f('c = Constant<value: float32[4] = [1,2,3,4]>()\n y = Add(x, c)'), TOL.exact],
  [
    'in its short forms',
    f(
      'a = Constant<value_float=2.5>()\n b = Constant<value_floats=[1.0,2.0,3.0,4.0]>()\n s = Add(x, a)\n y = Mul(s, b)',
    ),
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(constantNode, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['is-output', f('y = Constant<value: float32[4] = [1,2,3,4]>()')],
  ['sparse', f('c = Constant<sparse_value: sparse float32[4] = {float32[1] = [1], int64[1] = [2]}>()\n y = Add(x, c)')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 11]> (x: float32[n,4], b: bool[]) -> (y)\n y = If<else_branch={() -> (v) v = Neg(x) }, then_branch={() -> (z)\n c = Constant<value: float32[4] = [1,2,3,4]>()\n z = Add(x, c) }>(b)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(constantNode, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
