import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { viewChain } from '../../../src/passes/rules/view-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,3,8,8]) -> (y)\n ${body}`;

test.each([
  [
    'a Reshape with a shape of its own stays as it is',
    f('t = Reshape(x, a: int64[3] = [0,3,-1])\n y = Reshape(t, b: int64[2] = [-1,192])'),
    TOL.exact,
  ],
  [
    'views become one Reshape',
    f('t = Unsqueeze(x, a: int64[1] = [0])\n s = Flatten<axis=3>(t)\n y = Relu(s)'),
    TOL.exact,
  ],
  ['Squeeze undoes Unsqueeze', f('t = Unsqueeze(x, a: int64[1] = [0])\n s = Squeeze(t, a)\n y = Relu(s)'), TOL.exact],
  [
    'sizes that are copied become numbers',
    `(x: float32[2,3,4]) -> (y)\n t = Flatten(x)\n y = Reshape(t, b: int64[3] = [0,4,3])`,
    TOL.exact,
  ],
  [
    'axes as attributes',
    `<ir: 8, opset: ["": 11]> (x: float32[n,1,4,1]) -> (y)\n t = Squeeze<axes=[1]>(x)\n y = Unsqueeze<axes=[0]>(t)`,
    TOL.exact,
  ],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(viewChain, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['not-a-chain', f('y = Flatten(x)')],
  [
    'used-elsewhere',
    `(x: float32[n,3,8,8]) -> (y, z)\n t = Flatten(x)\n y = Reshape(t, b: int64[3] = [-1,4,3])\n z = Relu(t)`,
  ],
  ['sizes-unknown', `(x: float32[n,m,3]) -> (y)\n t = Unsqueeze(x, a: int64[1] = [0])\n y = Unsqueeze(t, a)`],
  ['empty', `(x: float32[0,3]) -> (y)\n t = Unsqueeze(x, a: int64[1] = [0])\n y = Unsqueeze(t, a)`],
  [
    'no-reshape',
    `<ir: 8, opset: ["": 4]> (x: float32[1,3,1]) -> (y)\n t = Squeeze<axes=[0]>(x)\n y = Squeeze<axes=[1]>(t)`,
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(viewChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
