import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { padIntoAveragePool } from '../../../src/passes/rules/pad-into-average-pool.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (pad: string, pool: string, source = 'x'): string =>
  `(x: float32[n,3,8,8]) -> (y)\n s = Relu(x)\n t = Pad${pad.replace('(', `(${source}, `)}\n y = ${pool}(t)`;
const P = 'p: int64[8] = [0,0,1,0,0,0,1,0]';

test.each([
  ['the padding counts, as it did', f(`(${P})`, 'AveragePool<kernel_shape=[3,3], strides=[2,2]>'), TOL.float32],
  [
    'it counted before',
    f(`(${P})`, 'AveragePool<count_include_pad=1, kernel_shape=[3,3], pads=[1,1,1,1]>'),
    TOL.float32,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(padIntoAveragePool, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['not-after-pad', `(x: float32[n,3,8,8]) -> (y)\n y = AveragePool<kernel_shape=[3,3]>(x)`],
  ['used-elsewhere', f(`(${P})`, 'AveragePool<kernel_shape=[3,3]>').replace('(y)', '(y, t)')],
  ['amounts-computed', f('(p)', 'AveragePool<kernel_shape=[3,3]>').replace('(x:', '(p: int64[8], x:')],
  ['pad-mode', f(`<mode="reflect">(${P})`, 'AveragePool<kernel_shape=[3,3]>')],
  ['pad-value', f(`(${P}, v: float32[] = [1])`, 'AveragePool<kernel_shape=[3,3]>')],
  ['auto-pad', f(`(${P})`, 'AveragePool<auto_pad="SAME_UPPER", kernel_shape=[3,3]>')],
  ['pool-size', f(`(${P})`, 'AveragePool<ceil_mode=1, kernel_shape=[3,3], strides=[2,2]>')],
  ['pad-crops', f('(p: int64[8] = [0,0,1,0,0,0,-1,0])', 'AveragePool<kernel_shape=[3,3]>')],
  ['pad-channels', f('(p: int64[8] = [0,1,1,0,0,0,1,0])', 'AveragePool<kernel_shape=[3,3]>')],
  ['counts-one-padding', f(`(${P})`, 'AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>')],
  ['pad-large', f(`(${P})`, 'AveragePool<kernel_shape=[1,1]>')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(padIntoAveragePool, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
