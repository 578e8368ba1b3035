import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { gatherOfTranspose } from '../../../src/passes/rules/gather-of-transpose.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,6,4,5]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['the axis that was moved', f('t = Transpose<perm=[1,0,2,3]>(x)\n y = Gather<axis=0>(t, i: int64[] = [4])')],
  ['counted from the end', f('t = Transpose<perm=[0,2,3,1]>(x)\n y = Gather<axis=-1>(t, i: int64[] = [1])')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(gatherOfTranspose, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-after-transpose', f('y = Gather<axis=0>(x, i: int64[] = [1])')],
  ['several-indices', f('t = Transpose<perm=[1,0,2,3]>(x)\n y = Gather<axis=0>(t, i: int64[1] = [4])')],
  ['reorders', f('t = Transpose<perm=[1,0,2,3]>(x)\n y = Gather<axis=2>(t, i: int64[] = [1])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(gatherOfTranspose, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
