import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { clampInRange } from '../../../src/passes/rules/clamp-in-range.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['Relu of what is not negative', f('a = Sigmoid(x)\n b = Relu(a)\n y = Neg(b)')],
  ['Clip of Softmax', f('a = Softmax(x)\n b = Clip(a, l: float32[] = [0], h: float32[] = [1])\n y = Neg(b)')],
  [
    'LeakyRelu, PRelu and Abs through views, pools and sums',
    f(
      'a = Relu(x)\n p = AveragePool<kernel_shape=[2,2]>(a)\n t = Transpose<perm=[0,2,3,1]>(p)\n b = LeakyRelu(t)\n c = Mul(b, b)\n d = Add(b, c)\n e = PRelu(d, s: float32[4])\n g = Abs(e)\n y = Neg(g)',
    ),
  ],
  [
    'a Clip that a Concat of constants and clips cannot reach',
    f(
      'a = Clip(x, l: float32[] = [-1], h: float32[] = [1])\n b = Concat<axis=1>(a, c: float32[2,1,6,6])\n d = Clip(b, m: float32[] = [-10], k: float32[] = [10])\n y = Neg(d)',
    ),
  ],
  ['parts of a Split', f('a = Relu(x)\n s, t = Split<axis=1>(a, k: int64[2] = [1,3])\n b = Relu(t)\n y = Mul(s, b)')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(clampInRange, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['clamp-computed', f('b = Clip(x, l)\n y = Neg(b)', 'x: float32[2,4], l: float32[]')],
  ['may-bind', f('a = Relu(x)\n b = Clip(a, l: float32[] = [0], h: float32[] = [6])\n y = Neg(b)')],
  ['may-bind', f('a = Sub(x, c: float32[] = [1])\n b = Relu(a)\n y = Neg(b)')],
  [
    'may-bind',
    f(
      'a = Neg(x)\n r = Relu(a)\n m, i = MaxPool<kernel_shape=[2,2]>(r)\n j = Cast<to=1>(i)\n b = Clip(j, l: float32[] = [0], h: float32[] = [1])\n y = Add(b, m)',
    ),
  ],
  ['renames-boundary', `(x: float32[2]) -> (y, z)\n y = Sigmoid(x)\n z = Relu(y)`],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(clampInRange, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
