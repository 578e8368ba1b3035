import { expect, test } from 'vitest';
import type { Node } from '../../src/graph/ir.js';
import {
  batchNorm,
  clipBounds,
  padding,
  reduceAxes,
  scalarOf,
  sliceParams,
  splitSizes,
  squeezeAxes,
  unsqueezeAxes,
} from '../../src/ops/index.js';
import { inferred } from '../support/inferred.js';

/* One accessor for every signature of an operator: the old and the new form of one node read alike. */

const x = 'x: float32[1,3,1,5]';

function nodeOf(opset: number, call: string, outputs = 'y', inputs = x): Node {
  const found = [
    ...inferred(
      `<opset: ["": ${opset}]>\n(${inputs}) -> (y)\n  ${call.includes('\n') ? call : `${outputs} = ${call}`}`,
    ).graph.nodes(),
  ];
  const node = found.at(-1);
  if (!node) throw new Error('no node');
  return node;
}

test('padding', () => {
  const expected = { mode: 'constant', begin: [0, 0, 1, -2], end: [0, 0, 3, 4], value: 1.5 };
  expect(padding(nodeOf(10, 'Pad<pads=[0,0,1,-2,0,0,3,4], value=1.5>(x)'))).toEqual(expected);
  expect(padding(nodeOf(11, 'Pad(x, p: int64[8] = [0,0,1,-2,0,0,3,4], v: float32[] = [1.5])'))).toEqual(expected);
  expect(padding(nodeOf(18, 'Pad(x, p: int64[4] = [-2,1,4,3], v: float32[] = [1.5], a: int64[2] = [-1,2])'))).toEqual(
    expected,
  );
  expect(padding(nodeOf(18, 'Pad(x, p: int64[8] = [0,0,1,-2,0,0,3,4])'))?.value).toBe(0);
  expect(padding(nodeOf(18, 'Pad(x, p)', 'y', `${x}, p: int64[8]`))).toBeUndefined();
  expect(padding(nodeOf(18, 'Relu(x)'))).toBeUndefined();
});

test('sliceParams', () => {
  const expected = { starts: [0, 1], ends: [2, 9], axes: [1, 3], steps: [1, 1] };
  expect(sliceParams(nodeOf(9, 'Slice<starts=[0,1], ends=[2,9], axes=[1,3]>(x)'))).toEqual(expected);
  expect(sliceParams(nodeOf(10, 'Slice(x, s: int64[2] = [0,1], e: int64[2] = [2,9], a: int64[2] = [1,-1])'))).toEqual(
    expected,
  );
  expect(sliceParams(nodeOf(10, 'Slice(x, s: int64[1] = [0], e: int64[1] = [1])'))?.axes).toEqual([0]);
  expect(sliceParams(nodeOf(10, 'Slice(x, s, e: int64[1] = [1])', 'y', `${x}, s: int64[1]`))).toBeUndefined();
});

test('squeezeAxes and unsqueezeAxes', () => {
  expect(squeezeAxes(nodeOf(11, 'Squeeze<axes=[-2,0]>(x)'))).toEqual([0, 2]);
  expect(squeezeAxes(nodeOf(13, 'Squeeze(x, a: int64[2] = [2,0])'))).toEqual([0, 2]);
  expect(squeezeAxes(nodeOf(13, 'Squeeze(x)'))).toEqual([0, 2]);
  expect(squeezeAxes(nodeOf(13, 'Squeeze(x)', 'y', 'x: float32[1,n]'))).toBeUndefined();
  expect(unsqueezeAxes(nodeOf(11, 'Unsqueeze<axes=[5,0]>(x)'))).toEqual([0, 5]);
  expect(unsqueezeAxes(nodeOf(13, 'Unsqueeze(x, a: int64[2] = [-1,0])'))).toEqual([0, 5]);
});

test('reduceAxes', () => {
  for (const [opset, call, axes] of [
    [13, 'ReduceMean<axes=[-1,2]>(x)', [2, 3]],
    [18, 'ReduceMax(x, a: int64[2] = [3,2])', [2, 3]],
    [13, 'ReduceSum(x, a: int64[1] = [-3])', [1]],
    [11, 'ReduceSum(x)', [0, 1, 2, 3]],
    [18, 'ReduceMean(x)', [0, 1, 2, 3]],
    [18, 'ReduceMean<noop_with_empty_axes=1>(x)', []],
    [18, 'Relu(x)', undefined],
  ] as const)
    expect(reduceAxes(nodeOf(opset, call)), call).toEqual(axes);
});

test('splitSizes', () => {
  for (const [opset, call] of [
    [11, 'Split<axis=-1, split=[3,2]>(x)'],
    [13, 'Split<axis=3>(x, s: int64[2] = [3,2])'],
    [18, 'Split<axis=-1, num_outputs=2>(x)'],
  ] as const)
    expect(splitSizes(nodeOf(opset, call, 'y, z')), call).toEqual({ axis: 3, sizes: [3, 2] });
});

test('clipBounds', () => {
  expect(clipBounds(nodeOf(7, 'Clip<min=0.0, max=6.0>(x)'))).toEqual({ min: 0, max: 6 });
  expect(clipBounds(nodeOf(13, 'Clip(x, a: float32[] = [0], b: float32[] = [6])'))).toEqual({ min: 0, max: 6 });
  expect(clipBounds(nodeOf(13, 'Clip(x, _, b: float32[] = [6])'))).toEqual({ min: Number.NEGATIVE_INFINITY, max: 6 });
  expect(clipBounds(nodeOf(13, 'Clip(x, m)', 'y', `${x}, m: float32[]`))).toBeUndefined();
});

test('batchNorm', () => {
  const call = (attrs: string): string =>
    `BatchNormalization<epsilon=0.25${attrs}>(x, s: float32[3], b: float32[3], m: float32[3], v: float32[3] = [1,1,1])`;
  for (const opset of [7, 9, 14, 15])
    expect(batchNorm(nodeOf(opset, call('')))).toMatchObject({
      epsilon: 0.25,
      training: false,
      variance: { name: 'v' },
    });
  expect(batchNorm(nodeOf(14, call(', training_mode=1')))?.training).toBe(true);
  expect(batchNorm(nodeOf(9, call(''), 'y, a, c'))?.training).toBe(true);
  expect(batchNorm(nodeOf(8, call(', spatial=0')))).toBeUndefined();
});

test('values that a Constant holds are read as initializers are', () => {
  const node = nodeOf(13, '\n  c = Constant<value: float32[1,1] = [2.5]>()\n  y = Mul(x, c)');
  expect(scalarOf(node.inputs[1])).toBe(2.5);
  expect(scalarOf(node.inputs[0])).toBeUndefined();
});

test('an initializer that the caller may override is no constant', () => {
  expect(scalarOf(nodeOf(13, 'Mul(x, c)', 'y', `${x}, c: float32[] = [2.5]`).inputs[1])).toBeUndefined();
});
