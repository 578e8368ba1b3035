import { expect, test } from 'vitest';
import { fuse, operatorCounts } from '../../../src/passes/fuse.js';
import { normAboveView } from '../../../src/passes/rules/norm-above-view.js';
import { bn } from '../../support/lifts.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const conv = 'c = Conv(x, w: float32[4,3,3,3])';
const f = (...body: readonly string[]): string => `(x: float32[2,3,8,8]) -> (z)\n ${body.join('\n ')}\n z = Relu(y)`;
const old = (text: string): string => `<ir: 7, opset: ["": 11]> ${text}`;

test.each([
  ['Reshape', f(conv, 'v = Reshape(c, s: int64[3] = [2,4,36])', bn('y', 'v', 4))],
  [
    'Reshape with a size to be found, in opset 11',
    old(f(conv, 'v = Reshape(c, s: int64[3] = [0,0,-1])', bn('y', 'v', 4))),
  ],
  [
    'Unsqueeze of a product',
    '(x: float32[2,3]) -> (z)\n c = Gemm(x, w: float32[3,4])\n v = Unsqueeze(c, a: int64[1] = [2])\n ' +
      bn('y', 'v', 4) +
      '\n z = Relu(y)',
  ],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(normAboveView, text);
  expect(report.applied).toBe(1);
  await expectSameOutputs(before, after, TOL.exact);
  await fuse(after);
  expect(operatorCounts(after).get('BatchNormalization')).toBeUndefined();
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  ['not-a-view', f(conv, bn('y', 'c', 4))],
  ['view-no-convolution', f('c = Relu(x)', 'v = Reshape(c, s: int64[3] = [2,3,64])', bn('y', 'v', 3))],
  ['view-mixes', f(conv, 'v = Reshape(c, s: int64[3] = [4,2,36])', bn('y', 'v', 2))],
  ['used-elsewhere', f(conv, 'v = Reshape(c, s: int64[3] = [2,4,36])', bn('u', 'v', 4), 'y = Add(u, v)')],
  [
    'training-mode',
    old(
      f(
        conv,
        'v = Reshape(c, s: int64[3] = [2,4,36])',
        'y, m1, v1, m2, v2 = BatchNormalization(v, g: float32[4], b: float32[4], m: float32[4], d: float32[4])',
      ),
    ),
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(normAboveView, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
