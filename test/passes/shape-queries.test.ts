import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { constantInts } from '../../src/graph/infer-node.js';
import { Reshape } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { brokenInvariants } from '../support/invariants.js';
import { drawFeeds, runInOrt } from '../support/equivalence.js';
import { expectSameOutputs, parsed, TOL } from '../support/rules.js';
import { evaluateHere } from '../support/reparam.js';

const ops = (model: Model): string =>
  everyNode(model)
    .map((n) => n.opType)
    .join(' ');

/** The constants that Reshapes have for their sizes. */
const sizes = (model: Model): (readonly number[] | undefined)[] =>
  everyNode(model).flatMap((n) => {
    const held = n.is(Reshape) ? n.in.shape.initializer : undefined;
    return held ? [constantInts(held)] : [];
  });

const at = (y: string, of: string, i: number): string => `${y} = Gather<axis=0>(${of}, i${y}: int64[1] = [${i}])`;

test.each([
  [
    'sizes of the same value, and one that is left',
    `(x: float32[n,l,8]) -> (y)
      m = MatMul(x, q: float32[8,8])
      s = Shape(m)
      ${at('a', 's', 0)}
      ${at('b', 's', 1)}
      t = Concat<axis=0>(a, b, c: int64[2] = [2,4])
      y = Reshape(m, t)`,
    [[0, 0, 2, 4]],
    'MatMul Reshape',
  ],
  [
    'sizes that no input has, through operators that keep them',
    `(x: float32[1,3,h,w]) -> (y)
      c = Conv<strides=[2,2], pads=[1,1,1,1]>(x, k: float32[4,3,3,3])
      r = Relu(c)
      s = Shape(r)
      ${at('a', 's', 2)}
      ${at('b', 's', 3)}
      u = Sigmoid(r)
      f = Mul(a, b)
      t = Concat<axis=0>(c0: int64[2] = [1,4], f)
      y = Reshape(u, t)`,
    [[1, 4, -1]],
    'Conv Relu Sigmoid Reshape',
  ],
  [
    'a size that is computed, in the first place',
    `(x: float32[n,l,6]) -> (y)
      s = Shape(x)
      ${at('a', 's', 0)}
      ${at('b', 's', 1)}
      f = Mul(a, b)
      t = Concat<axis=0>(f, c: int64[1] = [6])
      y = Reshape(x, t)`,
    [[-1, 6]],
    'Reshape',
  ],
] as const)('a Reshape asks for %s', async (_, text, expected, left) => {
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after, { evaluate: evaluateHere });
  expect(sizes(after)).toEqual(expected);
  expect(ops(after)).toBe(left);
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  [
    'two sizes that change places',
    `(x: float32[n,l,8]) -> (y)
      s = Shape(x)
      ${at('a', 's', 0)}
      ${at('b', 's', 1)}
      t = Concat<axis=0>(b, a, c: int64[1] = [8])
      y = Reshape(x, t)`,
  ],
  ['a shape that is an input', '(x: float32[2,3], s: int64[2] ) -> (y)\n y = Reshape(x, s)'],
  [
    'a size of 0 that is no copy',
    `(x: float32[n,l,8]) -> (y)
      s = Shape(x)
      ${at('a', 's', 0)}
      ${at('b', 's', 1)}
      t = Concat<axis=0>(a, b, c: int64[1] = [8])
      y = Reshape<allowzero=1>(x, t)`,
  ],
])('a Reshape is left alone: %s', async (_, text) => {
  const after = parsed(text);
  await fuse(after, { evaluate: evaluateHere });
  expect(sizes(after)).toEqual([]);
});

const bn = (y: string, x: string): string =>
  `${y} = BatchNormalization(${x}, ${y}g: float32[4], ${y}h: float32[4], ${y}m: float32[4], ${y}v: float32[4] = [1,2,3,4])`;

test('who asks for the shape of a convolution keeps nobody from merging it', async () => {
  const text = `(x: float32[1,3,h,w]) -> (y)
    c = Conv<strides=[2,2], pads=[1,1,1,1]>(x, k: float32[4,3,3,3])
    s = Shape(c)
    ${at('a', 's', 2)}
    ${bn('b', 'c')}
    r = Relu(b)
    f = Mul(a, two: int64[1] = [2])
    t = Concat<axis=0>(o: int64[3] = [1,4,1], f)
    e = Expand(z: float32[1] = [1], t)
    p = GlobalAveragePool(r)
    y = Mul(e, p)`;
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after, { evaluate: evaluateHere });
  expect(ops(after)).not.toContain('BatchNormalization');
  expect(everyNode(after).length).toBeLessThan(everyNode(before).length);
  expect(brokenInvariants(after)).toEqual([]);
  await expectSameOutputs(before, after, TOL.float32);
});

test('a size of an input is asked of the input, once', async () => {
  const text = `(x: float32[n,3,8,8]) -> (y)
    c = Conv(x, k: float32[4,3,3,3])
    s = Shape(c)
    ${at('a', 's', 0)}
    ${bn('b', 'c')}
    d = Conv(b, l: float32[4,4,3,3])
    q = Shape(d)
    ${at('f', 'q', 0)}
    t = Concat<axis=0>(a, o: int64[1] = [4])
    u = Concat<axis=0>(f, o)
    e = Expand(z: float32[1] = [1], t)
    g = Expand(z, u)
    w = Add(e, g)
    p = GlobalAveragePool(d)
    r = Flatten(p)
    y = Mul(w, r)`;
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after, { evaluate: evaluateHere });
  const shapes = everyNode(after).filter((n) => n.opType === 'Shape');
  expect(shapes.map((n) => n.inputs[0]?.name)).toEqual(['x']);
  expect(ops(after)).not.toContain('BatchNormalization');
  await expectSameOutputs(before, after, TOL.float32);
});

test('what an answer depends on is not asked about later', async () => {
  const text = `(x: float32[1,3,h,w]) -> (y)
    c = Conv<strides=[2,2], pads=[1,1,1,1]>(x, k: float32[4,3,3,3])
    s = Shape(c)
    e = Expand(z: float32[1,4,1,1], s)
    y = Add(c, e)`;
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after, { evaluate: evaluateHere });
  expect(everyNode(after).find((n) => n.opType === 'Shape')?.inputs[0]?.name).toBe('c');
  const feeds = drawFeeds(before);
  expect(await runInOrt(after, feeds)).toEqual(await runInOrt(before, feeds));
});
