import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { normOfConstant } from '../../../src/passes/rules/norm-of-constant.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const operands = 's: float32[4], b: float32[4], m: float32[4] = [0,0,0,0], v: float32[4] = [1,1,1,1]';
const norm = (outputs: string, x: string, of = operands): string =>
  `${outputs} = BatchNormalization<training_mode=1, epsilon=0.01>(${x}, ${of})`;
const f = (...body: readonly string[]): string => `(x: float32[3,4,2]) -> (y)\n ${body.join('\n ')}`;

test.each([
  ['a weight of three axes', f(norm('n, p, q', 'w: float32[3,4,2]'), 'y = Add(x, n)')],
  ['of two', f(norm('n, p, q', 'w: float32[2,4]'), 'y = MatMul(x, n)')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(normOfConstant, text, { seed: 3 });
  expect(printGraph(after, { types: 'none' })).not.toContain('BatchNormalization');
  expect(report.applied).toBe(1);
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  ['not-training', f(`n = BatchNormalization(w: float32[3,4,2], ${operands})`, 'y = Add(x, n)')],
  ['operand-computed', f(norm('n, p, q', 'x'), 'y = Add(x, n)')],
  ['statistics-used', f(norm('n, p, q', 'w: float32[3,4,2]'), 't = Add(x, n)', 'u = ReduceMean(p)', 'y = Add(t, u)')],
  ['is-output', `(x: float32[1]) -> (y, z)\n ${norm('y, p, q', 'w: float32[2,4]')}\n z = Relu(x)`],
  [
    'no-subgraph-initializers',
    `<ir: 3, opset: ["": 15]> (x: float32[2,4], c: bool[]) -> (y)
      k = Relu(w: float32[2,4])
      y = If<then_branch={ () -> (t)
        n, p, q = BatchNormalization<training_mode=1>(w, ${operands.replaceAll(/: float32\[4\]( = \[[0-9,]+\])?/g, '')})
        t = Add(n, x) }, else_branch={ () -> (e)
        e = Add(k, x) }>(c)
      z, r, o = BatchNormalization<training_mode=1>(x, ${operands})`,
  ],
  [
    'constant-large',
    f('u = Add(x, w: float32[3,4,65536])', norm('n, p, q', 'w'), 'y = Add(u, n)').replace('3,4,2]', '3,4,1]'),
  ],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(normOfConstant, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
