import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { concatChain } from '../../../src/passes/rules/concat-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['in the middle', f('a = Relu(x)\n b = Concat<axis=1>(x, a)\n y = Concat<axis=-3>(a, b, x)')],
  ['twice the same', f('b = Concat<axis=1>(x, x)\n y = Concat<axis=1>(b, b)')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(concatChain, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-a-chain', f('y = Concat<axis=1>(x, x)')],
  [
    'rank-unknown',
    f('t = my::f(x)\n b = Concat<axis=1>(t, t)\n y = Concat<axis=1>(b, t)').replace(
      '(x:',
      '<opset: ["": 17, "my": 1]> (x:',
    ),
  ],
  ['joins-other-axis', f('b = Concat<axis=1>(x, x)\n y = Concat<axis=2>(b, b)')],
  ['used-elsewhere', `(x: float32[2,4]) -> (y, z)\n b = Concat<axis=1>(x, x)\n y = Concat<axis=1>(b, x)\n z = Neg(b)`],
  ['many-inputs', f(`b = Concat<axis=1>(${Array.from({ length: 200 }, () => 'x').join()})\n y = Concat<axis=1>(b, b)`)],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(concatChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
