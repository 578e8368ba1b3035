import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { foldCast } from '../../../src/passes/rules/fold-cast.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['from float16', f('c = Cast<to=1>(w: float16[4] = [1.5,-2,0.0999755859375,65504])\n y = Add(x, c)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(foldCast, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['input-computed', f('t = Cast<to=10>(x)\n y = Cast<to=1>(t)')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 11]> (x: float32[n,4], b: bool[]) -> (y)\n y = If<else_branch={() -> (v) v = Neg(x) }, then_branch={() -> (z)\n c = Cast<to=1>(w: float16[4])\n z = Add(x, c) }>(b)`,
  ],
  ['is-output', f('y = Cast<to=1>(w: float16[4])')],
  ['not-half-to-float', f('c = Cast<to=1>(w: float64[4])\n y = Add(x, c)')],
  [
    'constant-large',
    `(x: float32[n,800]) -> (y, z)\n t = Cast<to=1>(w: float16[800,800])\n y = Add(x, t)\n z = Identity(w)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(foldCast, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
