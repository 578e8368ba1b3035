import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { fuse } from '../../src/passes/fuse.js';
import { drawInputs, difference, outputsOfRuns, parsed, TOL } from '../support/rules.js';
import { evaluateHere } from '../support/reparam.js';

const zeros = (name: string): string => `${name}: float32[3] = [0,0,0]`;
const ones = (name: string): string => `${name}: float32[3] = [1,1,1]`;
const train = (y: string, x: string, operands: string): string =>
  `${y}, ${y}_m, ${y}_v = BatchNormalization<training_mode=1>(${x}, ${operands})`;

/** The operands of a BatchNormalization in training mode, and what else there is that equals them or is made from them. */
const CASES: readonly (readonly [name: string, text: string])[] = [
  [
    'equal initializers stay apart',
    `(x: float32[2,3,4]) -> (y, z)
      ${train('y', 'x', `${ones('s')}, ${zeros('b')}, ${zeros('m')}, ${ones('v')}`)}
      z = Add(b, s)`,
  ],
  [
    'a copy of an operand stays a copy',
    `(x: float32[2,3,4]) -> (y, z)
      c = Identity(${zeros('m')})
      d = Reshape(${ones('v')}, r: int64[1] = [3])
      ${train('y', 'x', `${ones('s')}, ${zeros('b')}, c, d`)}
      z = Add(m, v)`,
  ],
  [
    'equal computations of operands stay two',
    `(x: float32[2,3,3]) -> (y, z)
      c = ReduceMean<axes=[0,1], keepdims=0>(x)
      d = ReduceMean<axes=[0,1], keepdims=0>(x)
      e = ReduceSum<keepdims=0>(x, a: int64[2] = [0,1])
      ${train('y', 'x', `${ones('s')}, c, d, e`)}
      t = Relu(y)
      z = Add(t, c)`,
  ],
  [
    'two of the same input both run',
    `(x: float32[2,3,4]) -> (z)
      ${train('a', 'x', `${ones('s')}, ${zeros('b')}, ${zeros('m')}, ${ones('v')}`)}
      ${train('c', 'x', `s, b, ${zeros('m2')}, ${ones('v2')}`)}
      z = Add(a, c)`,
  ],
  [
    'statistics that another one reads are no constants',
    `(x: float32[2,3,4]) -> (z)
      ${train('a', 'x', `${ones('s')}, ${zeros('b')}, ${zeros('m')}, ${ones('v')}`)}
      c = Conv(x, w: float32[3,3,1])
      d = BatchNormalization(c, s, b, m, v)
      z = Add(a, d)`,
  ],
  [
    'a function that trains',
    `<opset: ["": 17, "my": 1]>
      function my::f opset: ["": 17] { (x, s, b, m, v) -> (y)
        y, p, q = BatchNormalization<training_mode=1>(x, s, b, m, v) }
      (x: float32[2,3,4]) -> (y, z)
      y = my::f(x, ${ones('s')}, ${zeros('b')}, ${zeros('m')}, ${ones('v')})
      z = Add(b, s)`,
  ],
];

const norms = (model: Model): number => everyNode(model).filter((n) => n.opType === 'BatchNormalization').length;

test.each(CASES)('in training mode: %s', async (_, text) => {
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after, { evaluate: evaluateHere });
  expect(norms(after)).toBe(norms(before));
  const inputs = [1, 2, 3].map((seed) => drawInputs(before, seed));
  const [a, b] = [await outputsOfRuns(before, inputs), await outputsOfRuns(after, inputs)];
  for (const [i, run] of a.entries())
    for (const [name, x] of run) {
      const y = b[i]?.get(name);
      expect(y && difference(x, y).rms).toBeLessThanOrEqual(TOL.float32.rms);
    }
});
