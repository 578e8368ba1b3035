import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { unitTile } from '../../../src/passes/rules/unit-tile.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([['by ones', f('a = Tile(x, r: int64[4] = [1,1,1,1])\n y = Neg(a)')]])('%s', async (_, text) => {
  const { before, after, report } = runRule(unitTile, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['repeats', f('a = Tile(x, r: int64[4] = [1,2,1,1])\n y = Neg(a)')],
  ['renames-boundary', f('y = Tile(x, r: int64[4] = [1,1,1,1])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(unitTile, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
