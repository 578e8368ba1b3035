import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { wholeGather } from '../../../src/passes/rules/whole-gather.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['all channels', f('a = Gather<axis=1>(x, i: int64[4] = [0,1,2,3])\n y = Neg(a)')],
  ['counted from the end', f('a = Gather<axis=-3>(x, i: int32[4] = [-4,1,-2,3])\n y = Neg(a)')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(wholeGather, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['indices-computed', f('a = Gather<axis=1>(x, i)\n y = Neg(a)', 'x: float32[2,4], i: int64[4]')],
  ['takes-part', f('a = Gather<axis=1>(x, i: int64[3] = [0,1,2])\n y = Neg(a)')],
  ['takes-part', f('a = Gather<axis=1>(x, i: int64[1,1] = [0])\n y = Neg(a)', 'x: float32[2,1]')],
  ['reorders', f('a = Gather<axis=1>(x, i: int64[4] = [3,2,1,0])\n y = Neg(a)')],
  ['renames-boundary', f('y = Gather<axis=1>(x, i: int64[4] = [0,1,2,3])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(wholeGather, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
