import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { neutralOperand } from '../../../src/passes/rules/neutral-operand.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string): string => `(x: float32[n,4]) -> (y)\n ${body}`;

test.each([
  ['x + 0', f('t = Add(x, z: float32[] = [0])\n y = Relu(t)'), TOL.exact],
  ['0 + x', f('t = Add(z: float32[4] = [0,-0,0,0], x)\n y = Relu(t)'), TOL.exact],
  ['x - 0', f('t = Sub(x, z: float32[1,1] = [0])\n y = Relu(t)'), TOL.exact],
  ['1 * x', f('t = Mul(z: float32[] = [1], x)\n y = Relu(t)'), TOL.exact],
  ['x / 1', f('t = Div(x, z: float32[1] = [1])\n y = Relu(t)'), TOL.exact],
] as const)('%s', async (_, text, tol) => {
  const { before, after, report } = runRule(neutralOperand, text);
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, tol);
});

test.each([
  ['no-neutral-operand', f('t = Sub(z: float32[] = [0], x)\n y = Relu(t)')],
  ['no-neutral-operand', f('t = Div(z: float32[] = [1], x)\n y = Relu(t)')],
  ['no-neutral-operand', f('t = Add(x, z: float32[2] = [0,1])\n y = Relu(t)').replace('4]', '1]')],
  ['constant-shape', f('t = Add(x, z: float32[1,1,1] = [0])\n y = Relu(t)')],
  ['constant-shape', f('t = Add(x, z: float32[2,1] = [0,0])\n y = Relu(t)')],
  ['constant-shape', f('t = Mul(x, z: float32[3] = [1,1,1])\n y = Relu(t)').replace('4]', '1]')],
  ['renames-boundary', f('y = Add(x, z: float32[] = [0])')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(neutralOperand, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
