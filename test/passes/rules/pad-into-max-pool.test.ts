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
  ['not-after-pad', `(x: float32[n,3,8,8]) -> (y)\n y = MaxPool<kernel_shape=[3,3]>(x)`],
  ['used-elsewhere', f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>').replace('(y)', '(y, t)')],
  ['amounts-computed', f('(p)', 'MaxPool<kernel_shape=[3,3]>').replace('(x:', '(p: int64[8], x:')],
  ['pad-mode', f(`<mode="reflect">(${P})`, 'MaxPool<kernel_shape=[3,3]>')],
  ['value-above', f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>')],
  [
    'counts-padding',
    f(`(${P})`, 'MaxPool<kernel_shape=[3,3]>', 's').replace('(y)', '(y, i)').replace('y = Max', 'y, i = Max'),
  ],
  ['auto-pad', f(`(${P})`, 'MaxPool<auto_pad="SAME_UPPER", kernel_shape=[3,3]>', 's')],
  ['pool-size', f(`(${P})`, 'MaxPool<ceil_mode=1, kernel_shape=[3,3], strides=[2,2]>', 's')],
  ['pad-crops', f('(p: int64[8] = [0,0,1,0,0,0,-1,0])', 'MaxPool<kernel_shape=[3,3]>', 's')],
  ['pad-channels', f('(p: int64[8] = [0,1,1,0,0,0,1,0])', 'MaxPool<kernel_shape=[3,3]>', 's')],
  ['dilated-padding', f(`(${P})`, 'MaxPool<dilations=[2,2], kernel_shape=[3,3]>', 's')],
  ['pad-large', f(`(${P})`, 'MaxPool<kernel_shape=[1,1]>', 's')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(padIntoMaxPool, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
