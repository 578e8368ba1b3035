import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { unitPool } from '../../../src/passes/rules/unit-pool.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,3,8,8]) -> (y)\n ${body}`;

test.each([
  ['AveragePool', f('t = AveragePool<kernel_shape=[1,1]>(x)\n y = Relu(t)'), TOL.exact],
  [
    'MaxPool with auto_pad',
    f('t = MaxPool<auto_pad="SAME_UPPER", kernel_shape=[1,1], strides=[1,1]>(x)\n y = Relu(t)'),
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(unitPool, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['window-several', f('y = MaxPool<kernel_shape=[1,2]>(x)')],
  ['stride-skips', f('y = MaxPool<kernel_shape=[1,1], strides=[2,1]>(x)')],
  ['is-output', f('y, i = MaxPool<kernel_shape=[1,1]>(x)')],
  ['pads', f('y = MaxPool<kernel_shape=[1,1], pads=[0,0,1,1]>(x)')],
  ['renames-boundary', f('y = MaxPool<kernel_shape=[1,1]>(x)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(unitPool, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
