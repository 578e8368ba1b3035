import { describe, expect, test } from 'vitest';
import { fuse } from '../../../src/passes/fuse.js';
import { printGraph } from '../../../src/text/print.js';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../support/lifts.js';
import { expectSameOutputs, parsed, TOL } from '../../support/rules.js';

const image = 'x: float32[n,4,8,8]';
const conv = (y = 'c', x = 'x', outputs = 8, attrs = ''): string =>
  `${y} = Conv${attrs}(${x}, w.${y}: float32[${outputs},4,3,3], b.${y}: float32[${outputs}])`;
const unit = (y: string, x: string, outputs = 4, inputs = 4): string =>
  `${y} = Conv(${x}, w.${y}: float32[${outputs},${inputs},1,1])`;
const positive = 'k: float32[4,1,1] = [0.5,1.25,2,0.75]';
type Ops = Readonly<Record<string, number>>;
type Positive = readonly [what: string, text: string, ops: Ops];

describe('upwards, into what makes the value', () => {
  const through = (op: string, made: string, channels = 8, ops: Ops = { Conv: 1, [op]: 1 }): Positive => [
    op,
    graph(image, 'y', conv(), made, bn('y', 'd', channels)),
    ops,
  ];
  test.each<Positive>([
    through('GlobalAveragePool', 'd = GlobalAveragePool(c)'),
    through('AveragePool', 'd = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(c)'),
    through(
      'Resize',
      'd = Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">(c, _, s: float32[4] = [1,1,2,2])',
    ),
    through('Resize', 'd = Resize<mode="linear">(c, _, s: float32[4] = [1,1,2,2])'),
    through('ReduceMean', 'd = ReduceMean<axes=[2,3]>(c)'),
    through('ReduceMean', 'd = ReduceMean<axes=[2,3], keepdims=0>(c)'),
    through('Flatten', 'd = Flatten(c)', 8 * 6 * 6, { Conv: 1, Flatten: 1, BatchNormalization: 1 }),
    through('DepthToSpace', 'd = DepthToSpace<blocksize=2>(c)', 2),
    through('DepthToSpace', 'd = DepthToSpace<blocksize=2, mode="CRD">(c)', 2),
    through('SpaceToDepth', 'd = SpaceToDepth<blocksize=2>(c)', 32, {
      Conv: 1,
      SpaceToDepth: 1,
      BatchNormalization: 1,
    }),
    through('Slice', 'd = Slice(c, s: int64[1] = [2], e: int64[1] = [7], a: int64[1] = [1])', 5, {
      Conv: 1,
    }),
    through('Pad', 'd = Pad<mode="edge">(c, p: int64[8] = [0,0,2,1,0,0,1,2])'),
    [
      'Transpose',
      graph(
        image,
        'y',
        conv(),
        't = Transpose<perm=[0,2,3,1]>(c)',
        'm = Mul(t, k: float32[8])',
        'y = Add(m, l: float32[8])',
      ),
      { Conv: 1, Transpose: 1 },
    ],
    [
      'Concat, on every branch',
      graph(
        image,
        'y',
        conv('c', 'x', 3),
        unit('d', 'x', 4),
        'e = Relu(d)',
        conv('f', 'e', 2),
        'g = Concat<axis=1>(c, f)',
        bn('y', 'g', 5),
      ),
      { Conv: 3, Relu: 1, Concat: 1 },
    ],
    [
      'Split, each part by its own',
      graph(image, 'y, z', conv(), 'a, b = Split<axis=1>(c, s: int64[2] = [3,5])', bn('y', 'a', 3), bn('z', 'b', 5)),
      { Conv: 1, Split: 1 },
    ],
    [
      'Split, one part alone',
      graph(image, 'y, z', conv(), 'a, b = Split<axis=1>(c, s: int64[2] = [3,5])', bn('y', 'a', 3), 'z = Relu(b)'),
      { Conv: 1, Split: 1, Relu: 1 },
    ],
    [
      'MaxPool, a scale above zero',
      graph(
        image,
        'y',
        conv('c', 'x', 4),
        'd = MaxPool<kernel_shape=[2,2], pads=[1,1,0,0]>(c)',
        `m = Mul(d, ${positive})`,
        'y = Add(m, l: float32[4,1,1])',
      ),
      { Conv: 1, MaxPool: 1 },
    ],
    [
      'GlobalMaxPool and ReduceMax',
      graph(
        image,
        'y, z',
        conv('c', 'x', 4),
        'd = GlobalMaxPool(c)',
        `y = Mul(d, ${positive})`,
        conv('e', 'x', 4),
        'f = ReduceMax<axes=[3]>(e)',
        `z = Mul(f, ${positive.replace('k:', 'j:')})`,
      ),
      { Conv: 2, GlobalMaxPool: 1, ReduceMax: 1 },
    ],
    [
      'Relu, LeakyRelu, PRelu, a scale above zero',
      graph(
        image,
        'y',
        conv('c', 'x', 4),
        'd = PRelu(c, s: float32[4,1,1])',
        unit('e', 'd'),
        'f = LeakyRelu(e)',
        `g = Mul(f, ${positive})`,
        'y = Sigmoid(g)',
      ),
      { Conv: 2, PRelu: 1, LeakyRelu: 1, Sigmoid: 1 },
    ],
    [
      'ReduceSum, a scale',
      graph(image, 'y', conv(), 'd = ReduceSum<keepdims=0>(c, a: int64[2] = [2,3])', 'y = Mul(d, k: float32[8])'),
      { Conv: 1, ReduceSum: 1 },
    ],
    [
      'AveragePool with a border that counts, a scale',
      graph(
        image,
        'y',
        conv(),
        'd = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(c)',
        'e = Relu(d)',
        'y = Mul(d, k: float32[8,1,1])',
        'z = Add(e, y)',
      ).replace('-> (y)', '-> (z)'),
      { Conv: 1, AveragePool: 1, Relu: 1, Mul: 1, Add: 1 },
    ],
    [
      'a Linear of tokens, over its view and a Shape of it',
      graph('x: float32[n,l,6]', 'y', 'm = MatMul(x, w: float32[6,4])', 'f = Flatten<axis=2>(m)', bn('y', 'f', 4)),
      { MatMul: 1, Add: 1, Flatten: 1 },
    ],
    [
      'a bias of a Linear behind a Transpose',
      graph(
        'x: float32[n,8,8,4]',
        'y',
        'm = MatMul(x, w: float32[4,6])',
        'a = Add(m, b: float32[6])',
        't = Transpose<perm=[0,3,1,2]>(a)',
        'y = Mul(t, g: float32[6,1,1])',
      ),
      { MatMul: 1, Add: 1, Transpose: 1 },
    ],
    [
      'tokens turned to axis 1 and back',
      graph(
        'x: float32[2,7,5]',
        'y',
        'p = MatMul(x, w: float32[5,4])',
        't = Transpose<perm=[0,2,1]>(p)',
        bn('n', 't', 4),
        'y = Transpose<perm=[0,2,1]>(n)',
      ),
      { MatMul: 1, Add: 1, Transpose: 2 },
    ],
    [
      'a sum over pools',
      graph(
        image,
        'y',
        conv('c', 'x', 4),
        'd = MaxPool<kernel_shape=[2,2]>(c)',
        conv('e', 'x', 4),
        'f = MaxPool<kernel_shape=[2,2]>(e)',
        'g = Add(d, f)',
        `m = Mul(g, ${positive})`,
        'y = Add(m, l: float32[4,1,1])',
      ),
      { Conv: 2, MaxPool: 2, Add: 1 },
    ],
    [
      'a channel shuffle',
      graph(
        'x: float32[2,4,8,8]',
        'y',
        conv(),
        'r = Reshape(c, s: int64[5] = [2,2,4,6,6])',
        't = Transpose<perm=[0,2,1,3,4]>(r)',
        'u = Reshape(t, v: int64[4] = [2,8,6,6])',
        bn('y', 'u', 8),
      ),
      { Conv: 1, Reshape: 2, Transpose: 1 },
    ],
    [
      'a Gather of channels on two axes of views',
      graph('x: float32[2,4,8,8]', 'y', conv(), 'g = Gather<axis=2>(c, i: int64[3] = [2,-1,2])', bn('y', 'g', 8)),
      { Conv: 1, Gather: 1 },
    ],
    [
      'Expand',
      graph(image, 'y', conv(), 'd = GlobalAveragePool(c)', 'e = Expand(d, s: int64[4] = [1,1,5,5])', bn('y', 'e', 8)),
      { Conv: 1, GlobalAveragePool: 1, Expand: 1 },
    ],
  ])('%s', (_, text, ops) => expectMerge(text, ops));
});

describe('downwards, into what uses the value', () => {
  test.each<Positive>([
    [
      'Flatten, into Gemm',
      graph(
        'x: float32[n,4,3,3]',
        'y',
        'r = Relu(x)',
        bn('a', 'r', 4),
        'f = Flatten(a)',
        'y = Gemm<transB=1>(f, w: float32[5,36], b: float32[5])',
      ),
      { Relu: 1, Flatten: 1, Gemm: 1 },
    ],
    [
      'Reshape, into Gemm without a bias',
      graph(
        'x: float32[2,4,3,3]',
        'y',
        'r = Relu(x)',
        bn('a', 'r', 4),
        'f = Reshape(a, s: int64[2] = [2,36])',
        'y = Gemm(f, w: float32[36,5])',
      ),
      { Relu: 1, Reshape: 1, Gemm: 1 },
    ],
    [
      'Transpose, into MatMul with its bias',
      graph(
        image,
        'y',
        'r = Relu(x)',
        bn('a', 'r', 4),
        't = Transpose<perm=[0,2,3,1]>(a)',
        'm = MatMul(t, w: float32[4,6])',
        'y = Add(m, b: float32[6])',
      ),
      { Relu: 1, Transpose: 1, MatMul: 1, Add: 1 },
    ],
    [
      'several users, each of which takes it',
      graph(image, 'y, z', 'r = Relu(x)', bn('a', 'r', 4), conv('y', 'a', 3), unit('z', 'a', 2)),
      { Relu: 1, Conv: 2 },
    ],
    [
      'a pool and a convolution',
      graph(
        image,
        'y, z',
        'r = Relu(x)',
        bn('a', 'r', 4),
        'p = GlobalAveragePool(a)',
        unit('y', 'p', 3),
        conv('z', 'a', 2),
      ),
      { Relu: 1, GlobalAveragePool: 1, Conv: 2 },
    ],
    [
      'Split, into each user of a part',
      graph(
        image,
        'y, z',
        'r = Relu(x)',
        bn('a', 'r', 4),
        'p, q = Split<axis=1>(a, s: int64[2] = [1,3])',
        unit('y', 'p', 3, 1),
        unit('z', 'q', 2, 3),
      ),
      { Relu: 1, Split: 1, Conv: 2 },
    ],
    [
      'Concat, beside another branch',
      graph(
        image,
        'y',
        'r = Relu(x)',
        bn('a', 'r', 4),
        's = Sigmoid(x)',
        'c = Concat<axis=1>(s, a)',
        unit('y', 'c', 3, 8),
      ),
      { Relu: 1, Sigmoid: 1, Concat: 1, Conv: 1 },
    ],
    [
      'a padded convolution, the scale of a normalised image',
      graph(
        image,
        'y',
        'd = Div(x, k: float32[] = [255])',
        's = Sub(d, m: float32[1,4,1,1])',
        'e = Div(s, v: float32[1,4,1,1])',
        conv('y', 'e', 3, '<pads=[1,1,1,1]>'),
      ),
      { Add: 1, Conv: 1 },
    ],
    [
      'into a chain',
      graph(
        image,
        'y',
        'r = Relu(x)',
        bn('a', 'r', 4),
        'p = MaxPool<kernel_shape=[2,2]>(r2)',
        'y = Add(p, l: float32[4,1,1])',
        'r2 = Relu(a)',
      )
        .replace('\n y = Add(p, l: float32[4,1,1])\n r2 = Relu(a)', '')
        .replace('p = MaxPool<kernel_shape=[2,2]>(r2)', 'y = Relu(a)'),
      { Relu: 2, BatchNormalization: 1 },
    ],
    [
      'a Pad with zeros for two',
      graph(
        image,
        'y, z',
        'p = Pad(x, q: int64[8] = [0,0,1,2,0,0,1,0])',
        conv('y', 'p', 3),
        conv('z', 'p', 2, '<strides=[2,2]>'),
      ),
      { Conv: 2 },
    ],
  ])('%s', (_, text, ops) => expectMerge(text, ops));
});

describe('where nothing takes it', () => {
  test.each<Positive>([
    [
      'two BatchNormalizations become one',
      graph(image, 'y', 'r = Relu(x)', bn('a', 'r', 4), bn('b', 'a', 4), 'y = Sigmoid(b)'),
      { Relu: 1, BatchNormalization: 1, Sigmoid: 1 },
    ],
    [
      'a chain with one becomes one',
      graph(
        image,
        'y',
        'r = Relu(x)',
        'm = Mul(r, k: float32[4,1,1])',
        bn('a', 'm', 4),
        'y = Sub(l: float32[1,4,1,1], a)',
      ),
      { Relu: 1, BatchNormalization: 1 },
    ],
    [
      'others become a Mul and an Add',
      graph(
        image,
        'y',
        'r = Relu(x)',
        'm = Mul(r, k: float32[8])',
        'a = Add(m, l: float32[8])',
        's = Div(a, d: float32[] = [3])',
        't = Sub(s, e: float32[1,8])',
        'y = Sigmoid(t)',
      ),
      { Relu: 1, Mul: 1, Add: 1, Sigmoid: 1 },
    ],
    [
      'or one of them',
      graph(image, 'y', 'r = Relu(x)', 'm = Add(r, k: float32[8])', 'y = Sub(m, e: float32[4,1,1])'),
      { Relu: 1, Add: 1 },
    ],
  ])('%s', (_, text, ops) => expectMerge(text, ops));
});

describe('left alone', () => {
  const turns = Array.from({ length: 70 }, (_, i) => `t${i + 1} = Transpose<perm=[0,1,3,2]>(t${i})`);
  const rows: readonly Row[] = [
    ['too-far', graph(image, 'y', unit('t0', 'x', 1), ...turns, bn('y', 't70', 1))],
    [
      'absorbed-twice',
      graph(
        image,
        'y',
        'r = Sigmoid(x)',
        bn('a', 'r', 4),
        'p, q = Split<axis=1>(a, s: int64[2] = [1,3])',
        'c = Concat<axis=1>(q, p)',
        unit('y', 'c', 3),
      ),
    ],
    [
      'branch-no-absorber',
      graph(image, 'y', unit('c', 'x'), 'd = Sigmoid(x)', 'g = Concat<axis=1>(c, d)', bn('y', 'g', 8)),
    ],
    ['user-no-absorber', graph(image, 'y, z', 'r = Sigmoid(x)', bn('a', 'r', 4), unit('y', 'a'), 'z = Sigmoid(a)')],
    [
      'user-no-absorber',
      graph(image, 'y, z', 'p = Pad(x, q: int64[8] = [0,0,1,2,0,0,1,0])', conv('y', 'p', 3), 'z = Relu(p)'),
    ],
    [
      'pad-value',
      graph(
        image,
        'y, z',
        'p = Pad(x, q: int64[8] = [0,0,1,1,0,0,1,1], v: float32[] = [1])',
        conv('y', 'p', 3),
        conv('z', 'p', 2),
      ),
    ],
    [
      'pad-mode',
      graph(
        image,
        'y, z',
        'p = Pad<mode="edge">(x, q: int64[8] = [0,0,1,1,0,0,1,1])',
        conv('y', 'p', 3),
        conv('z', 'p', 2),
      ),
    ],
    ['norm-no-absorber', graph(image, 'y', 'r = Sigmoid(x)', bn('a', 'r', 4), 'y = Sigmoid(a)')],
    ['graph-output', graph(image, 'y, c', conv('c'), 'p = GlobalAveragePool(c)', bn('y', 'p', 8))],
    ['used-elsewhere', graph(image, 'y, z', conv('c'), 'p = GlobalAveragePool(c)', bn('y', 'p', 8), 'z = Relu(c)')],
    [
      'scale-negative',
      graph(
        image,
        'y',
        conv('c', 'x', 4),
        'd = MaxPool<kernel_shape=[2,2]>(c)',
        'y = Mul(d, k: float32[4,1,1] = [1,-1,1,1])',
      ),
    ],
    ['shift-not-through', graph(image, 'y', conv('c', 'x', 4), 'd = Relu(c)', bn('y', 'd', 4))],
    [
      'shift-not-through',
      graph(
        image,
        'y',
        conv('c', 'x', 4),
        'd = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(c)',
        'y = Add(d, l: float32[4,1,1])',
      ),
    ],
    ['not-per-channel-here', graph(image, 'y', conv('c', 'x', 4), 't = Transpose<perm=[0,2,1,3]>(c)', bn('y', 't', 6))],
    [
      'movement-unknown',
      graph('x: float32[n,4,8,8], i: int64[2]', 'y', conv('c', 'x', 4), 'g = Gather<axis=2>(c, i)', bn('y', 'g', 4)),
      'broken',
    ],
    [
      'movement-unknown',
      graph(image, 'y', conv('c', 'x', 4), 'd = Dropout(c, r: float32[] = [0.5], t: bool[] = [1])', bn('y', 'd', 4)),
      'broken',
    ],
    [
      'activation',
      graph(image, 'y', conv('c', 'x', 4), 's = Sigmoid(c)', 'm = Mul(c, s)', 'y = Relu(m)').replace(
        'm = Mul(c, s)',
        'a = Add(c, t: float32[] = [3])\n h = Clip(a, l: float32[] = [0], u: float32[] = [6])\n p = Mul(c, h)\n m = Div(p, k: float32[] = [6])',
      ),
      'broken',
    ],
    [
      'constant-shape',
      graph('x: float32[n,1,8,8]', 'y', 'r = Sigmoid(x)', 'a = Add(r, k: float32[1,4,1,1])', unit('y', 'a')),
    ],
    [
      'user-no-absorber',
      graph(
        'x: float32[n,4,8,8]',
        'y, z',
        'p = Pad(x, q: int64[8] = [0,0,1,1,0,0,1,1])',
        'y = MatMul(p, k: float32[10,3])',
        'z = MatMul(p, l: float32[10,3])',
      ),
    ],
    [
      'padded-above-bias',
      graph(image, 'y', 'r = Sigmoid(x)', 'a = Add(r, k: float32[4,1,1])', conv('y', 'a', 3, '<pads=[1,1,1,1]>')),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('%s', (_, row) => expectLeft(row));
});

test('what a chain comes to may be an input: the output keeps its name', async () => {
  const text = '(x: float32[2,4]) -> (y)\n a = Neg(x)\n y = Neg(a)';
  const [before, after] = [parsed(text), parsed(text)];
  await fuse(after);
  expect(printGraph(after, { types: 'none' })).toContain('y = Identity(x)');
  await expectSameOutputs(before, after, TOL.exact);
});

test('a scale that is none, and that nothing reads, is left to the removal of dead code', () =>
  expectLeft(['no-absorber', graph(image, 'y', 'y = Relu(x)', 'c = Relu(x)', 'd = Add(c, k: float32[] = [0])')]));
