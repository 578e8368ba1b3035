import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { unitResize } from '../../../src/passes/rules/unit-resize.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;
const at = (opset: number, text: string): string => `<ir: 8, opset: ["": ${opset}]> ${text}`;

test.each([
  ['nearest by scales', f('a = Resize<mode="nearest">(x, _, s: float32[4] = [1,1,1,1])\n y = Neg(a)')],
  ['cubic by scales', f('a = Resize<mode="cubic">(x, _, s: float32[4] = [1,1,1,1])\n y = Neg(a)')],
  ['linear to its own sizes', f('a = Resize<mode="linear">(x, _, _, s: int64[4] = [2,4,6,6])\n y = Neg(a)')],
  ['opset 10', at(10, f('a = Resize<mode="linear">(x, s: float32[4] = [1,1,1,1])\n y = Neg(a)'))],
  ['Upsample of opset 9', at(9, f('a = Upsample(x, s: float32[4] = [1,1,1,1])\n y = Neg(a)'))],
  ['Upsample of opset 7', at(7, f('a = Upsample<scales=[1.0,1.0,1.0,1.0]>(x)\n y = Neg(a)'))],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(unitResize, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['resizes', f('a = Resize<mode="linear">(x, _, s: float32[4] = [1,1,1.1,1.1])\n y = Neg(a)')],
  ['resizes', f('a = Resize<mode="nearest">(x, _, _, s: int64[4] = [2,4,7,6])\n y = Neg(a)')],
  [
    'takes-region',
    f(
      'a = Resize<mode="linear", coordinate_transformation_mode="tf_crop_and_resize">(x, r: float32[8] = [0,0,0,0,1,1,0.5,0.5], s: float32[4] = [1,1,1,1])\n y = Neg(a)',
    ),
  ],
  ['renames-boundary', f('y = Resize<mode="nearest">(x, _, s: float32[4] = [1,1,1,1])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(unitResize, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
