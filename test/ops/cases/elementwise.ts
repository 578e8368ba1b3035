import type { Case } from '../../support/inferred.js';

const each = (opset: number, names: string, inputs: string, call: (name: string) => string): Case[] =>
  names.split(' ').map((name) => [opset, inputs, call(name)]);

const x = 'x: float32[2,3]';
const two = 'a: float32[2,1,3], b: float32[4,1]';
const ints = 'a: int64[2,3], b: int64[3]';
const bools = 'a: bool[2,3], b: bool[3]';

export const elementwise: readonly Case[] = [
  ...each(7, 'Add Sub Mul Div Pow', two, (n) => `${n}(a, b)`),
  ...each(13, 'Add Sub Mul Div', ints.replace('b: int64[3]', 'b: int64[2,1]'), (n) => `${n}(a, p: int64[3] = [1,2,3])`),
  ...each(14, 'Add Sub Mul Div', two, (n) => `${n}(a, b)`),
  ...each(8, 'Sum Mean Max Min', `${two}, c: float32[3]`, (n) => `${n}(a, b, c)`),
  ...each(7, 'Sum Mean Max Min', 'a: float32[2,3], b: float32[2,3]', (n) => `${n}(a, b)`),
  ...each(13, 'Max Min', ints, (n) => `${n}(a, b)`),
  [15, 'a: float32[2,3], b: int64[3]', 'Pow(a, b)'],
  [10, 'a: int64[2,3]', 'Mod(a, p: int64[3] = [1,2,3])'],
  [13, 'a: float32[2,3], b: float32[3]', 'Mod<fmod=1>(a, b)'],
  [9, 'c: bool[2,1], a: float32[3], b: float32[1,3]', 'Where(c, a, b)'],
  [16, 'c: bool[2,1], a: float32[3], b: float32[1,3]', 'Where(c, a, b)'],
  ...each(7, 'Greater Less', two, (n) => `${n}(a, b)`),
  ...each(13, 'Greater Less Equal', ints, (n) => `${n}(a, b)`),
  ...each(12, 'GreaterOrEqual LessOrEqual', two, (n) => `${n}(a, b)`),
  ...each(7, 'And Or Xor', bools, (n) => `${n}(a, b)`),
  ...each(7, 'Equal', ints, (n) => `${n}(a, b)`),
  [7, 'a: bool[2,3]', 'Not(a)'],
  ...each(18, 'BitwiseAnd BitwiseOr BitwiseXor', ints, (n) => `${n}(a, b)`),
  [18, 'a: int64[2,3]', 'BitwiseNot(a)'],
  [11, '', 'BitShift<direction="LEFT">(a: uint8[2,3], b: uint8[3])'],
  ...each(7, 'Abs Ceil Exp Floor Log Neg Reciprocal Sqrt Sin Cos Tan Asin Acos Atan', x, (n) => `${n}(x)`),
  ...each(9, 'Sinh Cosh Asinh Acosh Atanh Erf Sign IsNaN', x, (n) => `${n}(x)`),
  ...each(13, 'Abs Ceil Exp Floor Log Neg Reciprocal Sqrt Erf Sign', x, (n) => `${n}(x)`),
  [10, x, 'IsInf<detect_negative=0>(x)'],
  [11, x, 'Round(x)'],
];

export const activation: readonly Case[] = [
  ...each(7, 'Relu Sigmoid Tanh Softplus Softsign Elu Selu LeakyRelu HardSigmoid', x, (n) => `${n}(x)`),
  ...each(14, 'Relu Sigmoid Tanh HardSwish', x, (n) => `${n}(x)`),
  [9, x, 'Shrink<bias=1.5, lambd=1.5>(x)'],
  [10, x, 'ThresholdedRelu<alpha=2.0>(x)'],
  [12, x, 'Celu<alpha=2.0>(x)'],
  [16, x, 'LeakyRelu<alpha=0.3>(x)'],
  [18, x, 'Mish(x)'],
  [20, x, 'Gelu<approximate="tanh">(x)'],
  [7, 'x: float32[2,3,4,4], s: float32[3,1,1]', 'PRelu(x, s)'],
  [16, 'x: float32[2,3,4,4], s: float32[1]', 'PRelu(x, s)'],
  [7, x, 'Clip<min=0.0, max=6.0>(x)'],
  [11, x, 'Clip(x, lo: float32[] = [0], hi: float32[] = [6])'],
  [13, x, 'Clip(x, _, hi: float32[] = [6])'],
  ...each(7, 'Softmax LogSoftmax Hardmax', 'x: float32[2,3,4]', (n) => `${n}<axis=2>(x)`),
  ...each(13, 'Softmax LogSoftmax Hardmax', 'x: float32[2,3,4]', (n) => `${n}<axis=-2>(x)`),
];

const volume = 'x: float32[2,3,4,5]';
const perChannel = 's: float32[3], b: float32[3]';

export const normalization: readonly Case[] = [
  [7, volume, `BatchNormalization(x, ${perChannel}, m: float32[3], v: float32[3] = [1,2,3])`],
  [9, volume, `BatchNormalization<epsilon=0.1>(x, ${perChannel}, m: float32[3], v: float32[3] = [1,2,3])`],
  [14, volume, `BatchNormalization(x, ${perChannel}, m: float32[3], v: float32[3] = [1,2,3])`],
  [
    15,
    volume,
    `BatchNormalization<training_mode=1>(x, ${perChannel}, m: float32[3], v: float32[3] = [1,2,3])`,
    'y, n, w',
  ],
  [7, volume, `InstanceNormalization(x, ${perChannel})`],
  [17, volume, 'LayerNormalization<axis=2>(x, s: float32[4,5], b: float32[4,5])', 'y, m, d'],
  [18, volume, 'GroupNormalization<num_groups=3>(x, s: float32[3], b: float32[3])'],
  [21, 'x: float32[2,6,4,5]', 'GroupNormalization<num_groups=3>(x, s: float32[6], b: float32[6])'],
  [23, volume, 'RMSNormalization(x, s: float32[5])'],
  [7, volume, 'LRN<size=3>(x)'],
  [7, volume, 'LpNormalization<axis=1>(x)'],
  [9, volume, 'MeanVarianceNormalization(x)'],
  [7, 'a: float32[2,3], b: float32[3,4], c: float32[4]', 'Gemm(a, b, c)'],
  [11, 'a: float32[3,2], b: float32[4,3]', 'Gemm<transA=1, transB=1, alpha=0.5>(a, b)'],
  [13, 'a: float32[2,3], b: float32[4,3], c: float32[2,1]', 'Gemm<transB=1>(a, b, c)'],
  [7, 'a: float32[2,3], b: float32[3,4]', 'MatMul(a, b)'],
  [9, 'a: float32[5,1,2,3], b: float32[4,3,4]', 'MatMul(a, b)'],
  [13, 'a: float32[3], b: float32[2,3,4]', 'MatMul(a, b)'],
  [13, 'a: float32[2,4,3], b: float32[3]', 'MatMul(a, b)'],
  [12, 'a: float32[2,3,4], b: float32[2,4,5]', 'Einsum<equation="bij,bjk->bik">(a, b)'],
  [12, 'a: float32[2,7,3,4], b: float32[1,7,4,5]', 'Einsum<equation="...ij, ...jk">(a, b)'],
  [12, 'a: float32[3,3]', 'Einsum<equation="ii">(a)'],
];

const reductions =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare';

export const reduction: readonly Case[] = [
  ...each(7, `${reductions} ReduceSum`, volume, (n) => `${n}<axes=[1,3], keepdims=0>(x)`),
  ...each(11, `${reductions} ReduceSum`, volume, (n) => `${n}<axes=[-1]>(x)`),
  ...each(13, reductions, volume, (n) => `${n}(x)`),
  ...each(18, reductions, volume, (n) => `${n}<keepdims=0>(x, axes: int64[2] = [-1,0])`),
  ...each(18, reductions, volume, (n) => `${n}<noop_with_empty_axes=1>(x)`),
  ...each(18, reductions, volume, (n) => `${n}<keepdims=0>(x)`),
  [13, volume, 'ReduceSum<keepdims=0>(x, axes: int64[2] = [1,2])'],
  ...each(7, 'ArgMax ArgMin', volume, (n) => `${n}<axis=1>(x)`),
  ...each(13, 'ArgMax ArgMin', volume, (n) => `${n}<axis=-1, keepdims=0, select_last_index=1>(x)`),
  [11, x, 'CumSum<reverse=1>(x, d: int64[] = [1])'],
  [7, volume, 'TopK<k=2, axis=1>(x)', 'v, i'],
  [10, volume, 'TopK(x, k: int64[1] = [3])', 'v, i'],
  [11, volume, 'TopK<axis=0, largest=0>(x, k: int64[1] = [1])', 'v, i'],
];
