import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { foldView } from '../../../src/passes/rules/fold-view.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['Reshape', f('c = Reshape(w: float32[2,2], s: int64[1] = [-1])\n y = Add(x, c)'), TOL.exact],
  [
    'Unsqueeze and Flatten',
    f('c = Unsqueeze(w: float32[4], s: int64[1] = [1])\n d = Flatten<axis=0>(c)\n y = Add(x, d)'),
    TOL.exact,
  ],
  ['Squeeze', f('c = Squeeze(w: float32[4,1,1])\n y = Add(x, c)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(foldView, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['input-computed', f('c = Flatten(x)\n y = Relu(c)')],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 11]> (x: float32[n,4], b: bool[]) -> (y)\n y = If<else_branch={() -> (v) v = Neg(x) }, then_branch={() -> (z)\n c = Flatten(w: float32[1,4])\n z = Add(x, c) }>(b)`,
  ],
  ['is-output', f('y = Flatten(w: float32[2,2])')],
  ['shape-unknown', `(x: float32[n,4], s: int64[1]) -> (y)\n c = Reshape(w: float32[4], s)\n y = Add(x, c)`],
  [
    'constant-large',
    `(x: float32[n,600]) -> (y, z)\n c = Flatten(w: float32[2,300,600])\n y = Reshape(c, s: int64[1] = [-1])\n z = Add(x, w)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(foldView, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
