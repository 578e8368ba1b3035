import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { padIntoMaxPool } from '../../../src/passes/rules/pad-into-max-pool.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (pad: string, pool: string, source = 'x'): string =>
  `(x: float32[n,3,8,8]) -> (y)\n s = Relu(x)\n t = Pad${pad.replace('(', `(${source}, `)}\n y = ${pool}(t)`;
const P = 'p: int64[8] = [0,0,1,0,0,0,1,0]';

test.each([
  ['zeros around what is never negative', f(`(${P})`, 'MaxPool<kernel_shape=[3,3], strides=[2,2]>', 's'), TOL.exact],
  [
    'minus infinity around anything',
    f(`(${P}, v: float32[] = [-inf])`, 'MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>'),
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(padIntoMaxPool, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['its input is not a Pad', `(x: float32[n,3,8,8]) -> (y)\n y = MaxPool<kernel_shape=[3,3]>(x)`],
  ['the Pad is used elsewhere', f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>').replace('(y)', '(y, t)')],
  ['the amounts or the value are computed', f('(p)', 'MaxPool<kernel_shape=[3,3]>').replace('(x:', '(p: int64[8], x:')],
  ['its mode is not constant', f(`<mode="reflect">(${P})`, 'MaxPool<kernel_shape=[3,3]>')],
  ['the value may be larger than what it pads', f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>')],
  [
    'its indices count the padding',
    f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>', 's').replace('(y)', '(y, i)').replace('y = Max', 'y, i = Max'),
  ],
  ['auto_pad depends on the size', f(`(${P})`, 'MaxPool<auto_pad="SAME_UPPER", kernel_shape=[3,3]>', 's')],
  ['ceil_mode depends on the size', f(`(${P})`, 'MaxPool<ceil_mode=1, kernel_shape=[3,3], strides=[2,2]>', 's')],
  ['crops', f('(p: int64[8] = [0,0,1,0,0,0,-1,0])', 'MaxPool<kernel_shape=[3,3]>', 's')],
  ['pads the batch or the channels', f('(p: int64[8] = [0,1,1,0,0,0,1,0])', 'MaxPool<kernel_shape=[3,3]>', 's')],
  ['a dilated window may lie in the padding', f(`(${P})`, 'MaxPool<dilations=[2,2], kernel_shape=[3,3]>', 's')],
  ['more padding than the window is wide', f(`(${P})`, 'MaxPool<kernel_shape=[1,1]>', 's')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(padIntoMaxPool, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
