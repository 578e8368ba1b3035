import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { padIntoConv } from '../../../src/passes/rules/pad-into-conv.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (pad: string, conv = 'Conv<pads=[1,1,1,1]>'): string =>
  `(x: float32[n,3,8,8]) -> (y)\n t = ${pad}\n y = ${conv}(t, w: float32[4,3,3,3])`;

test.each([
  ['pads add up', f('Pad(x, p: int64[8] = [0,0,1,2,0,0,1,2])'), TOL.float32],
  [
    'auto_pad VALID is no padding',
    f('Pad(x, p: int64[8] = [0,0,1,2,0,0,0,1])', 'Conv<auto_pad="VALID", strides=[2,2]>'),
    TOL.float32,
  ],
  [
    'of named axes',
    f('Pad(x, p: int64[2] = [1,2], _, a: int64[1] = [-1])').replace('(x:', '<ir: 8, opset: ["": 18]> (x:'),
    TOL.float32,
  ],
  [
    'amounts as an attribute',
    f('Pad<pads=[0,0,1,2,0,0,0,1]>(x)').replace('(x:', '<ir: 8, opset: ["": 9]> (x:'),
    TOL.float32,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(padIntoConv, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['not-after-pad', f('Relu(x)')],
  ['used-elsewhere', f('Pad(x, p: int64[8] = [0,0,1,2,0,0,1,2])').replace('(y)', '(y, t)')],
  ['amounts-computed', f('Pad(x, p)').replace('(x:', '(p: int64[8], x:')],
  ['pad-mode', f('Pad<mode="edge">(x, p: int64[8] = [0,0,1,2,0,0,1,2])')],
  ['pad-value', f('Pad(x, p: int64[8] = [0,0,1,2,0,0,1,2], v: float32[] = [1])')],
  ['auto-pad', f('Pad(x, p: int64[8] = [0,0,1,2,0,0,1,2])', 'Conv<auto_pad="SAME_UPPER">')],
  ['pad-crops', f('Pad(x, p: int64[8] = [0,0,1,-1,0,0,1,2])')],
  ['pad-channels', f('Pad(x, p: int64[8] = [0,1,1,1,0,0,1,2])').replace('n,3,8,8', 'n,2,8,8')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(padIntoConv, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
