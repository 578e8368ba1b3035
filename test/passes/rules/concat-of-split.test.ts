import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { concatOfSplit } from '../../../src/passes/rules/concat-of-split.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;
const at = (opset: number, text: string): string => `<ir: 8, opset: ["": ${opset}]> ${text}`;

test.each([
  ['all parts', f('a, b = Split<axis=1>(x, k: int64[2] = [1,3])\n c = Concat<axis=-3>(a, b)\n y = Neg(c)')],
  [
    'parts that others need too',
    f(
      'a, b = Split<axis=1>(x, k: int64[2] = [2,2])\n c = Concat<axis=1>(a, b)\n d = Add(a, b)\n e = ReduceSum(d)\n y = Add(c, e)',
    ),
  ],
  ['sizes as an attribute', at(11, f('a, b = Split<axis=1, split=[1,3]>(x)\n c = Concat<axis=1>(a, b)\n y = Neg(c)'))],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(concatOfSplit, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-after-split', f('c = Concat<axis=1>(x, x)\n y = Neg(c)')],
  [
    'rank-unknown',
    f('t = my::f(x)\n a, b = Split<axis=1>(t, k: int64[2] = [2,2])\n c = Concat<axis=1>(a, b)\n y = Neg(c)').replace(
      '(x:',
      '<opset: ["": 17, "my": 1]> (x:',
    ),
  ],
  ['joins-other-axis', f('a, b = Split<axis=1>(x, k: int64[2] = [2,2])\n c = Concat<axis=2>(a, b)\n y = Neg(c)')],
  ['joins-some', f('a, b = Split<axis=1>(x, k: int64[2] = [2,2])\n c = Concat<axis=1>(b, a)\n y = Neg(c)')],
  ['renames-boundary', f('a, b = Split<axis=1>(x, k: int64[2] = [2,2])\n y = Concat<axis=1>(a, b)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(concatOfSplit, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
