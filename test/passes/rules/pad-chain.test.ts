import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { padChain } from '../../../src/passes/rules/pad-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;
const at = (opset: number, text: string): string => `<ir: 8, opset: ["": ${opset}]> ${text}`;

test.each([
  ['zeros', f('a = Pad(x, p: int64[8] = [0,0,1,1,0,0,1,1])\n y = Pad(a, q: int64[8] = [0,1,0,2,0,0,0,0])')],
  ['the edge', f('a = Pad<mode="edge">(x, p: int64[8] = [0,0,1,1,0,0,1,1])\n y = Pad<mode="edge">(a, p)')],
  [
    'cropping what was put in, and more',
    f(
      'a = Pad(x, p: int64[8] = [0,0,1,1,0,0,1,1], v: float32[] = [2])\n y = Pad(a, q: int64[8] = [0,0,-1,-2,0,0,0,-1], v)',
    ),
  ],
  ['amounts as attributes', at(10, f('a = Pad<pads=[0,0,1,1,0,0,1,1]>(x)\n y = Pad<pads=[0,0,1,1,0,0,1,1]>(a)'))],
  [
    'only some axes',
    at(18, f('a = Pad(x, p: int64[2] = [1,2], _, k: int64[1] = [-1])\n y = Pad(a, p, _, j: int64[1] = [2])')),
  ],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(padChain, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-after-pad', f('y = Pad(x, q: int64[8] = [0,1,0,2,0,0,0,0])')],
  ['used-elsewhere', `(x: float32[4]) -> (y, z)\n a = Pad(x, p: int64[2] = [1,1])\n y = Pad(a, p)\n z = Neg(a)`],
  ['amounts-computed', f('a = Pad(x, p: int64[2] = [1,1])\n y = Pad(a, q)', 'x: float32[4], q: int64[2]')],
  ['pad-modes', f('a = Pad(x, p: int64[2] = [1,1])\n y = Pad<mode="edge">(a, p)', 'x: float32[4]')],
  ['pad-modes', f('a = Pad<mode="reflect">(x, p: int64[2] = [1,1])\n y = Pad<mode="reflect">(a, p)', 'x: float32[4]')],
  ['pad-values', f('a = Pad(x, p: int64[2] = [1,1])\n y = Pad(a, p, v: float32[] = [1])', 'x: float32[4]')],
  ['pads-after-crop', f('a = Pad(x, p: int64[2] = [-1,0])\n y = Pad(a, q: int64[2] = [1,0])', 'x: float32[4]')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 13]> (x: float32[4], p: int64[2], c: bool[]) -> (y)\n k = Pad(x, p2: int64[2] = [1,1])\n y = If<then_branch={ g () -> (b)\n a = Pad(x, p2)\n b = Pad(a, p2) }, else_branch={ g () -> (d)\n d = Neg(k) }>(c)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(padChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
