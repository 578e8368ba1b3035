import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { simplify } from '../../src/passes/simplify.js';
import { composed, inverse, isIdentity, without, withAxes } from '../../src/passes/transposes/permutation.js';
import { brokenInvariants } from '../support/invariants.js';
import { expectSameOutputs, parsed, TOL } from '../support/rules.js';

const ops = (model: Model): string =>
  everyNode(model)
    .map((n) => n.opType)
    .join(' ');

const last = 'Transpose<perm=[0,2,3,1]>';
const first = 'Transpose<perm=[0,3,1,2]>';
const f = (body: string, outputs = 'y'): string => `(x: float32[2,4,5,6]) -> (${outputs})\n ${body}`;

/** A text, and what is left of it. */
const CASES: readonly (readonly [name: string, text: string, left: string])[] = [
  [
    'elementwise',
    f(
      `t = ${last}(x)\n a = Relu(t)\n b = Mul(a, c: float32[4])\n d = Clip(b, l: float32[] = [0.1], _)\n y = ${first}(d)`,
    ),
    'Relu Mul Clip',
  ],
  ['two branches that meet', f(`t = ${last}(x)\n s = Sigmoid(t)\n m = Mul(t, s)\n y = ${first}(m)`), 'Sigmoid Mul'],
  [
    'Concat and Split',
    f(
      `t = ${last}(x)\n u = Neg(x)\n p = ${last}(u)\n b = Concat<axis=-1>(t, p)\n s, r = Split<axis=3>(b, k: int64[2] = [3,5])\n v = Sigmoid(s)\n c = Concat<axis=3>(r, v)\n y = ${first}(c)`,
    ),
    'Neg Concat Split Sigmoid Concat',
  ],
  [
    'a Concat of Transposes',
    f(
      `u = Neg(x)\n v = Abs(x)\n t = ${last}(x)\n p = ${last}(u)\n q = ${last}(v)\n c = Concat<axis=1>(t, p, q)\n y = Softmax<axis=-1>(c)`,
    ),
    'Neg Abs Concat Softmax Transpose',
  ],
  [
    'windows unfolded one by one',
    f(
      [0, 1, 2]
        .map(
          (i) =>
            `s${i} = Slice(x, a${i}: int64[1] = [${i}], e${i}: int64[1] = [${i + 3}], d${i}: int64[1] = [2])\n t${i} = Transpose<perm=[0,1,3,2]>(s${i})\n u${i} = Unsqueeze(t${i}, k${i}: int64[1] = [2])`,
        )
        .join('\n ') + '\n y = Concat<axis=2>(u0, u1, u2)',
    ),
    'Slice Unsqueeze Slice Unsqueeze Slice Unsqueeze Concat Transpose',
  ],
  [
    'Pad, Slice and reductions',
    f(
      `t = ${last}(x)\n p = Pad(t, a: int64[8] = [0,1,2,0,0,0,1,0])\n s = Slice(p, b: int64[1] = [1], e: int64[1] = [3], k: int64[1] = [-1])\n m = ReduceMax(s, r: int64[1] = [1])\n y = ${first}(m)`,
    ).replace('(x:', '<opset: ["": 18]> (x:'),
    'Pad Slice ReduceMax',
  ],
  [
    'a reduction that drops axes',
    f(`t = ${last}(x)\n a = Relu(t)\n y = ReduceMean<keepdims=0>(a, r: int64[2] = [1,2])`).replace(
      '(x:',
      '<opset: ["": 18]> (x:',
    ),
    'Relu ReduceMean',
  ],
  [
    'a Gather of channels',
    f(`t = ${last}(x)\n g = Gather<axis=3>(t, i: int64[2] = [3,0])\n y = ${first}(g)`),
    'Gather',
  ],
  [
    'a value that others need as it was',
    f(`t = ${last}(x)\n a = Relu(t)\n b = Abs(a)\n y = ${first}(b)\n z = ${first}(a)`, 'y, z'),
    'Relu Abs',
  ],
  [
    'an operand in another order of as many',
    `(x: float32[2,3,3,3]) -> (y, z)
      t = ${last}(x)
      u = ${first}(x)
      a = Relu(t)
      p = Neg(u)
      s = Add(a, p)
      q = Abs(s)
      y = ${first}(q)
      z = ${last}(p)`,
    'Relu Neg Transpose Add Abs',
  ],
  [
    'a second operand from outside',
    f(
      `t = ${last}(x)\n u = Neg(x)\n w = Reshape(u, s: int64[4] = [2,5,6,4])\n a = Add(t, w)\n b = ${first}(a)\n c = Relu(t)\n d = ${first}(c)\n y = Concat<axis=1>(b, d)`,
    ),
    'Relu Neg Reshape Transpose Add Concat',
  ],
];

test.each(CASES)('%s', async (_, text, left) => {
  const [before, after] = [parsed(text), parsed(text)];
  await simplify(after);
  const sorted = (list: string): string[] => list.split(' ').sort();
  expect(sorted(ops(after))).toEqual(sorted(left));
  expect(brokenInvariants(after)).toEqual([]);
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  ['nothing to meet', f(`t = ${last}(x)\n y = Relu(t)`)],
  [
    'another order at the end',
    f(`t = ${last}(x)\n a = Relu(t)\n y = Transpose<perm=[1,0,2,3]>(a)\n z = Neg(a)`, 'y, z'),
  ],
  ['an axis that the operator fixes', f(`t = ${last}(x)\n a = GlobalMaxPool(t)\n y = ${first}(a)`)],
])('left alone: %s', async (_, text) => {
  const after = parsed(text);
  await simplify(after);
  expect(ops(after)).toBe(ops(parsed(text)));
});

const order = fc.integer({ min: 1, max: 5 }).chain((n) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n }));

test('orders of axes', () => {
  fc.assert(
    fc.property(order, (p) => {
      expect(isIdentity(composed(p, inverse(p)))).toBe(true);
      const axes = [0, p.length];
      expect(without(withAxes(p, axes), axes)).toEqual(p);
    }),
  );
});
