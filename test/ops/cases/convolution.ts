import type { Case } from '../../support/inferred.js';

const image = 'x: float32[2,3,9,7]';

export const convolution: readonly Case[] = [
  [7, image, 'Conv(x, w: float32[4,3,3,2])'],
  [11, image, 'Conv<strides=[2,3], pads=[1,0,2,1], dilations=[2,1]>(x, w: float32[4,3,3,2], b: float32[4])'],
  [22, image, 'Conv<group=3, kernel_shape=[1,1]>(x, w: float32[6,1,1,1])'],
  [17, image, 'Conv<auto_pad="SAME_UPPER", strides=[2,3]>(x, w: float32[4,3,4,3])'],
  [17, image, 'Conv<auto_pad="SAME_LOWER", strides=[2,1]>(x, w: float32[4,3,3,3])'],
  [17, image, 'Conv<auto_pad="VALID", strides=[2,2], dilations=[1,2]>(x, w: float32[4,3,3,3])'],
  [17, 'x: float32[2,3,9]', 'Conv<pads=[2,2]>(x, w: float32[4,3,5])'],
  [17, 'x: float32[1,2,5,6,7]', 'Conv<strides=[1,2,3]>(x, w: float32[4,2,3,3,3])'],
  [7, image, 'ConvTranspose(x, w: float32[3,4,3,2])'],
  [
    11,
    image,
    'ConvTranspose<strides=[3,2], output_padding=[2,1], pads=[1,0,0,1], dilations=[2,1]>(x, w: float32[3,4,3,2])',
  ],
  [22, image, 'ConvTranspose<group=3, strides=[2,2], output_shape=[18,14]>(x, w: float32[3,2,3,3])'],
  [17, image, 'ConvTranspose<auto_pad="SAME_UPPER", strides=[2,3]>(x, w: float32[3,4,3,3])'],
  [17, image, 'ConvTranspose<auto_pad="SAME_LOWER", strides=[2,3]>(x, w: float32[3,4,4,4])'],
  [17, image, 'ConvTranspose<auto_pad="VALID", strides=[2,3]>(x, w: float32[3,4,3,3])'],
  [19, 'x: float32[1,2,5,5], o: float32[1,8,4,4]', 'DeformConv(x, w: float32[3,2,2,2], o)'],
];

export const pooling: readonly Case[] = [
  [7, image, 'MaxPool<kernel_shape=[3,2]>(x)'],
  [8, image, 'MaxPool<kernel_shape=[3,2], strides=[2,2], storage_order=0>(x)', 'y, i'],
  [10, image, 'MaxPool<kernel_shape=[3,2], strides=[3,2], ceil_mode=1>(x)'],
  [12, image, 'MaxPool<kernel_shape=[3,2], dilations=[2,3], pads=[1,1,0,0]>(x)', 'y, i'],
  [17, image, 'MaxPool<kernel_shape=[3,3], auto_pad="SAME_UPPER", strides=[2,3]>(x)'],
  [17, image, 'MaxPool<kernel_shape=[3,3], auto_pad="SAME_LOWER", strides=[2,3]>(x)'],
  [17, image, 'MaxPool<kernel_shape=[3,3], auto_pad="VALID", strides=[2,3]>(x)'],
  // The last window would start in the padding.
  [17, 'x: float32[1,1,4,5]', 'MaxPool<kernel_shape=[2,2], strides=[3,4], pads=[0,0,1,1], ceil_mode=1>(x)'],
  [7, image, 'AveragePool<kernel_shape=[3,2], strides=[2,1], count_include_pad=1, pads=[1,0,1,0]>(x)'],
  [11, image, 'AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(x)'],
  [19, image, 'AveragePool<kernel_shape=[2,2], dilations=[3,2], strides=[2,2], ceil_mode=1>(x)'],
  [22, image, 'AveragePool<kernel_shape=[3,3], auto_pad="SAME_UPPER", strides=[2,2]>(x)'],
  [7, image, 'LpPool<kernel_shape=[3,2], p=3>(x)'],
  [18, image, 'LpPool<kernel_shape=[2,2], strides=[2,2], dilations=[2,1], ceil_mode=1>(x)'],
  [7, image, 'GlobalAveragePool(x)'],
  [7, image, 'GlobalMaxPool(x)'],
  [7, image, 'GlobalLpPool(x)'],
  [11, 'x: float32[1,1,2,2]', 'MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i: int64[1,1,2,2] = [0,3,9,11])'],
  [
    11,
    'x: float32[1,1,2,2]',
    'MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i: int64[1,1,2,2] = [0,3,9,11], s: int64[4] = [1,1,5,5])',
  ],
];

export const quantized: readonly Case[] = [
  [10, '', 'ConvInteger<pads=[1,1,1,1], strides=[2,1]>(x: uint8[1,2,5,4], w: uint8[3,2,3,3], z: uint8[] = [1])'],
  [
    10,
    '',
    'QLinearConv<strides=[2,2]>(x: uint8[1,2,5,4], s: float32[] = [0.5], z: uint8[] = [1], w: int8[3,2,3,3], t: float32[] = [0.5], o: int8[] = [0], u: float32[] = [2], p: uint8[] = [3])',
  ],
  [10, '', 'MatMulInteger(a: uint8[2,3,4], b: int8[4,5])'],
  [
    10,
    '',
    'QLinearMatMul(a: uint8[2,3,4], s: float32[] = [0.5], z: uint8[] = [1], b: uint8[4,5], t: float32[] = [0.5], o: uint8[] = [0], u: float32[] = [2], p: uint8[] = [3])',
  ],
  [10, 'x: float32[2,3]', 'QuantizeLinear(x, s: float32[] = [0.5])'],
  [13, 'x: float32[2,3]', 'QuantizeLinear<axis=1>(x, s: float32[3] = [1,2,3], z: int8[3] = [0,0,0])'],
  [21, 'x: float32[2,3]', 'QuantizeLinear<output_dtype=5>(x, s: float32[] = [0.5])'],
  [10, '', 'DequantizeLinear(x: uint8[2,3], s: float32[] = [0.5])'],
  [19, '', 'DequantizeLinear<axis=0>(x: int8[2,3], s: float16[2] = [1,2])'],
  [11, 'x: float32[2,3]', 'DynamicQuantizeLinear(x)', 'y, s, z'],
];
