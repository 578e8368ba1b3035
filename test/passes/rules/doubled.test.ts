import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { doubled } from '../../../src/passes/rules/doubled.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['a convolution', f('c = Conv(x, w: float32[3,4,1,1])\n y = Add(c, c)')],
  ['a product', f('c = MatMul(x, w: float64[4,3])\n y = Add(c, c)', 'x: float64[2,4]')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(doubled, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['operands-differ', f('c = Conv(x, w: float32[4,4,1,1])\n y = Add(c, x)')],
  ['no-absorber', f('y = Add(x, x)')],
  ['used-elsewhere', `(x: float32[2,4]) -> (y, z)\n c = MatMul(x, w: float32[4,3])\n y = Add(c, c)\n z = Neg(c)`],
  ['type-unknown', f('c = MatMul(x, w: int32[4,3])\n y = Add(c, c)', 'x: int32[2,4]')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 13]> (x: float32[2,4], c: bool[]) -> (y)\n k = MatMul(x, w: float32[4,4])\n y = If<then_branch={ g () -> (b)\n a = MatMul(x, w)\n b = Add(a, a) }, else_branch={ g () -> (d)\n d = Neg(k) }>(c)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(doubled, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
