import { type Tolerance, TOL } from '../../support/rules.js';

/** One image of three axes besides its batch. */
export const x = '(x: float32[2,3,4,5]) -> (y)\n ';

/** Converted from the first opset to the second, and back. */
export type Case = readonly [name: string, from: number, to: number, text: string, tol?: Tolerance];
export const CASES: readonly Case[] = [
  ['Clip with both bounds', 13, 9, `${x}y = Clip(x, l: float32[] = [-1], h: float32[] = [2])`],
  ['Clip with one', 13, 9, `${x}y = Clip(x, _, h: float32[] = [2])`],
  ['Celu', 12, 11, `${x}y = Celu<alpha=0.5>(x)`, TOL.float32],
  ['HardSwish', 14, 13, `${x}y = HardSwish(x)`, TOL.float32],
  ['Mish', 18, 17, `${x}y = Mish(x)`, TOL.float32],
  ['Gelu', 20, 13, `${x}y = Gelu(x)`, TOL.float32],
  ['Gelu by tanh', 20, 13, `${x}y = Gelu<approximate="tanh">(x)`, TOL.float32],
  ['Squeeze', 13, 7, '(x: float32[2,1,3,1]) -> (y)\n y = Squeeze(x, a: int64[2] = [1,-1])'],
  ['Squeeze of every 1', 13, 7, '(x: float32[2,1,3,1]) -> (y)\n y = Squeeze(x)'],
  ['Unsqueeze', 21, 7, `${x}y = Unsqueeze(x, a: int64[2] = [0,-1])`],
  ...['L1', 'L2', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
    (name) =>
      [`Reduce${name}`, 18, 7, `${x}y = Reduce${name}<keepdims=0>(x, a: int64[2] = [1,-1])`, TOL.float32] as const,
  ),
  ['ReduceLogSum', 18, 7, `${x}t = Exp(x)\n y = ReduceLogSum(t, a: int64[1] = [-2])`, TOL.float32],
  ['a reduction over nothing', 18, 13, `${x}t = ReduceMax<noop_with_empty_axes=1>(x)\n y = Neg(t)`],
  ['a reduction over all', 18, 11, `${x}y = ReduceSum(x)`, TOL.float32],
  [
    'axes from the back',
    13,
    7,
    `${x}a = Concat<axis=-2>(x, x)\n b = Flatten<axis=-2>(a)\n y = Softmax<axis=-1>(b)`,
    TOL.float32,
  ],
  [
    'more axes from the back',
    13,
    9,
    `(x: float32[2,3,4]) -> (y, z)
      a = ArgMin<axis=-1, keepdims=1>(x)
      b = Cast<to=1>(a)
      c = Compress<axis=-2>(x, i: bool[3] = [1,0,1])
      d = LogSoftmax<axis=-1>(c)
      e = Hardmax<axis=-1>(d)
      y = Softmax<axis=-1>(b)
      z = Neg(e)`,
    TOL.float32,
  ],
  [
    'axes from the back that flatten',
    11,
    9,
    `(x: float32[2,3,4]) -> (y)
      d = LogSoftmax<axis=-2>(x)
      e = Hardmax<axis=-2>(d)
      y = Softmax<axis=-2>(e)`,
    TOL.float32,
  ],
  ['ArgMax from the back', 13, 7, `${x}y = ArgMax<axis=-1>(x)`],
  [
    'Scan of a body that is converted too',
    17,
    11,
    `(x: float32[4,3], s: float32[3]) -> (y, z)
    y, z = Scan<num_scan_inputs=1, body={ b (s0: float32[3], e: float32[3]) -> (s1, o)
      s1 = Add(s0, e) o = ReduceSum<keepdims=0>(s1, a: int64[1] = [0]) }>(s, x)`,
    TOL.float32,
  ],
  [
    'Loop',
    17,
    9,
    `(x: float32[3]) -> (y)
    n: int64[] = [3] c: bool[] = [1]
    y = Loop<body={ b (i: int64[], k: bool[], s: float32[3]) -> (k1, t) k1 = Identity(k) u = Unsqueeze(s, a: int64[1] = [0]) t = Squeeze(u, a2: int64[1] = [0]) }>(n, c, x)`,
  ],
  [
    'If',
    17,
    9,
    `(x: float32[2,3]) -> (y)
    c: bool[] = [1]
    y = If<then_branch={ t () -> (p) p = Softmax<axis=-1>(x) }, else_branch={ e () -> (q) q = Neg(x) }>(c)`,
  ],
  ['CastLike', 15, 13, '(x: float32[2,3], i: int64[1]) -> (y)\n y = CastLike(x, i)'],
  ['Cast with its defaults written out', 24, 13, `${x}y = Cast<to=7, saturate=1, round_mode="up">(x)`],
  [
    'Constant of other kinds',
    13,
    11,
    '(x: float32[2]) -> (y)\n c = Constant<value_floats=[1.5,2.5]>()\n y = Mul(x, c)',
  ],
  ['Constant of integers', 13, 7, '(x: float32[2,6]) -> (y)\n c = Constant<value_ints=[3,4]>()\n y = Reshape(x, c)'],
  ['Dropout', 13, 7, `${x}r: float32[] = [0.25]\n y, m = Dropout<seed=3>(x, r)`],
  ['Dropout without a ratio', 22, 9, `${x}y = Dropout(x)`],
  ['Shape of some axes', 15, 11, `${x}y = Shape<start=1, end=-1>(x)`],
  ['a broadcast that is none', 8, 7, `${x}t = Neg(x)\n m = Max(x, t)\n n = Min(x, t)\n y = Sum(m, n, x)`],
  ['GreaterOrEqual', 16, 11, '(x: float32[2,3], z: float32[3]) -> (y)\n y = GreaterOrEqual(x, z)'],
  ['LessOrEqual', 16, 11, '(x: float32[2,3], z: float32[3]) -> (y)\n y = LessOrEqual(x, z)'],
  ['Pow of two types', 15, 11, `${x}t = Abs(x)\n y = Pow(t, e: int64[] = [3])`, TOL.float32],
  ['Gather from the back', 13, 9, `${x}y = Gather<axis=1>(x, i: int64[2] = [-1,0])`],
  [
    'ScatterElements',
    13,
    9,
    '(x: float32[3,2]) -> (y)\n y = ScatterElements(x, i: int64[1,2] = [-1,0], u: float32[1,2])',
  ],
  [
    'ScatterElements that adds',
    18,
    16,
    '(x: float32[3,2]) -> (y)\n y = ScatterElements<reduction="add">(x, i: int64[1,2] = [1,0], u: float32[1,2])',
  ],
  [
    'ScatterND that adds',
    18,
    16,
    '(x: float32[3,2]) -> (y)\n y = ScatterND<reduction="add">(x, i: int64[1,1] = [1], u: float32[1,2])',
  ],
  ['TopK', 11, 9, `${x}y, i = TopK(x, k: int64[1] = [2])`],
  ['OneHot of known indices', 13, 9, '(x: float32[2]) -> (y)\n y = OneHot(i: int64[3] = [0,2,1], d: int64[] = [3], x)'],
  [
    'LayerNormalization',
    17,
    13,
    `${x}y = LayerNormalization<axis=2>(x, s: float32[4,5], b: float32[4,5])`,
    TOL.float32,
  ],
  ['LayerNormalization without a bias', 17, 11, `${x}y = LayerNormalization(x, s: float32[5])`, TOL.float32],
  ['RMSNormalization', 23, 13, `${x}y = RMSNormalization(x, s: float32[5])`, TOL.float32],
  ['Gemm without c', 13, 9, '(x: float32[2,3]) -> (y)\n y = Gemm<transB=1>(x, w: float32[4,3])'],
  [
    'BatchNormalization',
    15,
    9,
    `${x}y = BatchNormalization(x, s: float32[3], b: float32[3], m: float32[3], v: float32[3] = [1,2,3])`,
  ],
  [
    'GroupNormalization per channel',
    21,
    20,
    '(x: float32[2,4,3,3]) -> (y)\n y = GroupNormalization<num_groups=2>(x, s: float32[4], b: float32[4])',
    TOL.float32,
  ],
  [
    'GroupNormalization as instances',
    20,
    11,
    '(x: float32[2,4,3,3]) -> (y)\n y = GroupNormalization<num_groups=2>(x, s: float32[2], b: float32[2])',
    TOL.float32,
  ],
  [
    'quantised per tensor',
    13,
    10,
    `${x}q = QuantizeLinear<axis=0>(x, s: float32[] = [0.1], z: uint8[] = [3])\n y = DequantizeLinear<axis=0>(q, s, z)`,
  ],
  [
    'quantised without a zero point',
    23,
    19,
    `${x}q = QuantizeLinear<output_dtype=3>(x, s: float32[] = [0.1])\n y = DequantizeLinear<output_dtype=1>(q, s)`,
  ],
  [
    'quantised, with attributes that do nothing',
    23,
    13,
    `${x}q = QuantizeLinear<saturate=0, block_size=0, precision=0>(x, s: float32[] = [0.1], z: int8[] = [3])\n y = DequantizeLinear<block_size=0>(q, s, z)`,
  ],
  [
    'Resize to nearest by scales',
    13,
    9,
    `${x}y = Resize<coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, _, s: float32[4] = [1,1,2,1.5])`,
  ],
  ['Resize to nearest by whole factors', 19, 7, `${x}y = Resize(x, _, s: float32[4] = [1,1,2,3])`],
  [
    'Resize by sizes',
    18,
    10,
    `${x}y = Resize<mode="linear", coordinate_transformation_mode="asymmetric">(x, _, _, s: int64[4] = [2,3,8,10])`,
    TOL.float32,
  ],
  [
    'Resize of some axes',
    18,
    13,
    `${x}y = Resize<mode="linear", axes=[2,-1], antialias=0>(x, _, s: float32[2] = [2,0.5])`,
    TOL.float32,
  ],
  [
    'Resize of some axes by sizes',
    19,
    11,
    `${x}y = Resize<mode="linear", axes=[2,3]>(x, _, _, s: int64[2] = [3,7])`,
    TOL.float32,
  ],
  [
    'Resize that keeps a ratio',
    18,
    17,
    `${x}y = Resize<axes=[2,3], keep_aspect_ratio_policy="not_larger">(x, _, _, s: int64[2] = [8,10])`,
  ],
  ['Resize to fewer pixels', 10, 11, `${x}y = Resize(x, s: float32[4] = [1,1,0.6,0.6])`],
  ['Upsample', 7, 13, `${x}y = Upsample<scales=[1.0,1.0,2.0,3.0]>(x)`],
  ['Upsample, linear', 9, 19, `${x}y = Upsample<mode="linear">(x, s: float32[4] = [1,1,2,2])`, TOL.float32],
  ['Pad', 13, 9, `${x}y = Pad(x, p: int64[8] = [0,0,1,2,0,0,-1,0], v: float32[] = [1.5])`],
  ['Pad of some axes', 18, 7, `${x}y = Pad<mode="edge">(x, p: int64[4] = [1,2,0,3], _, a: int64[2] = [2,-1])`],
  [
    'Pad of all axes by name',
    19,
    13,
    '(x: float32[2,3]) -> (y)\n y = Pad(x, p: int64[4] = [1,2,0,3], _, a: int64[2] = [0,1])',
  ],
  [
    'Slice',
    13,
    9,
    `${x}y = Slice(x, s: int64[2] = [1,0], e: int64[2] = [9223372036854775807,-1], a: int64[2] = [1,-1], t: int64[2] = [1,1])`,
  ],
  ['Slice without axes', 11, 7, `${x}y = Slice(x, s: int64[2] = [1,0], e: int64[2] = [2,2])`],
  ['Split by sizes', 13, 9, `${x.replace('(y)', '(y, z)')}y, z = Split<axis=-1>(x, s: int64[2] = [2,3])`],
  ['Split into equal parts', 18, 11, `${x.replace('(y)', '(y, z)')}y, z = Split<axis=2, num_outputs=2>(x)`],
  ['Split with a smaller last part', 18, 13, `${x.replace('(y)', '(y, z)')}y, z = Split<axis=3, num_outputs=2>(x)`],
  [
    'Softmax on an axis within',
    13,
    11,
    `${x}a = Softmax<axis=1>(x)\n b = LogSoftmax<axis=-3>(a)\n y = Hardmax<axis=0>(b)`,
    TOL.float32,
  ],
  ['Softmax of pixels', 13, 11, '(x: float32[2,3,1,1]) -> (y)\n y = Softmax<axis=1>(x)'],
  [
    'Softmax of all from an axis on',
    11,
    13,
    `${x}a = Softmax(x)\n b = LogSoftmax<axis=2>(a)\n y = Hardmax<axis=-3>(b)`,
    TOL.float32,
  ],
  ['the same of open sizes', 11, 13, '(x: float32[n,3,h,w]) -> (y)\n y = Softmax<axis=2>(x)'],
  [
    'layout of other recurrent operators',
    14,
    7,
    `(x: float32[4,1,3]) -> (y, z)
      y = GRU<hidden_size=2, layout=0>(x, w: float32[1,6,3], r: float32[1,6,2])
      z = RNN<hidden_size=2, layout=0>(x, v: float32[1,2,3], s: float32[1,2,2])`,
  ],
  [
    'layout of an LSTM',
    14,
    7,
    '(x: float32[4,1,3]) -> (y)\n y = LSTM<hidden_size=2, layout=0>(x, w: float32[1,8,3], r: float32[1,8,2])',
  ],
  [
    'GridSample',
    20,
    16,
    '(x: float32[1,1,4,4], g: float32[1,3,3,2]) -> (y)\n y = GridSample<mode="cubic">(x, g)',
    TOL.float32,
  ],
  [
    'RoiAlign',
    10,
    16,
    '(x: float32[1,1,6,6]) -> (y)\n y = RoiAlign<output_height=2, output_width=2>(x, b: float32[1,4] = [0,0,4,4], i: int64[1] = [0])',
    TOL.float32,
  ],
  ['MaxPool', 12, 7, `${x}y, i = MaxPool<kernel_shape=[2,2], storage_order=0, dilations=[1,1], ceil_mode=0>(x)`],
  [
    'windows that overhang, before there was a word for it',
    12,
    9,
    '(x: float32[1,2,9,8]) -> (y)\n a = MaxPool<kernel_shape=[3,2], strides=[2,3], ceil_mode=1>(x)\n y = AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1, pads=[1,0,0,0]>(a)',
    TOL.float32,
  ],
  [
    'windows that overhang, and start within',
    22,
    10,
    `${x}a = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)\n y = AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(a)`,
    TOL.float32,
  ],
  ['AveragePool', 19, 7, `${x}y = AveragePool<kernel_shape=[2,2], dilations=[1,1]>(x)`, TOL.float32],
  ['LpPool', 18, 11, `${x}y = LpPool<kernel_shape=[2,2], dilations=[1,1], ceil_mode=0>(x)`],
  [
    'ConvTranspose with an even padding',
    11,
    9,
    `${x}y = ConvTranspose<strides=[2,2], output_shape=[7,9]>(x, w: float32[3,2,3,3])`,
  ],
  ['an optional that is none', 18, 17, '(x: float32[2]) -> (y)\n t = OptionalGetElement(x)\n y = Neg(t)'],
];
