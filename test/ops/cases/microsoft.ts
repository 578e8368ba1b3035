import type { Case } from '../../support/inferred.js';

const scales = 's: float32[] = [0.1], z: uint8[] = [3]';
const image = 'x: float32[2,3,9,7]';
const q = `com.microsoft::`;

/** Of a float image, quantised first. */
const quantised = (call: string): Case => [
  17,
  image,
  `${call}\n  q = QuantizeLinear(x, ${scales})\n  s1: float32[] = [0.2]\n  z1: uint8[] = [5]`,
];

export const microsoft: readonly Case[] = [
  quantised(`${q}QLinearSigmoid(q, s, z, s1, z1)`),
  quantised(`${q}QLinearLeakyRelu<alpha=0.1>(q, s, z, s1, z1)`),
  quantised(`${q}QLinearSoftmax<axis=1, opset=13>(q, s, z, s1, z1)`),
  quantised(
    `${q}QLinearAveragePool<kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,0], ceil_mode=0, count_include_pad=1>(q, s, z, s1, z1)`,
  ),
  quantised(`${q}QLinearGlobalAveragePool<channels_last=0>(q, s, z, s1, z1)`),
  quantised(`${q}QLinearAdd(q, s, z, b: uint8[3,1,1] = [1,2,3], s, z, s1, z1)`),
  quantised(`${q}QLinearMul(q, s, z, b: uint8[7] = [1,2,3,4,5,6,7], s, z, s1, z1)`),
  [17, image, `${q}FusedConv<activation="Relu", pads=[1,1,1,1], strides=[2,2]>(x, w: float32[4,3,3,3], b: float32[4])`],
  [
    17,
    'x: float32[2,6]',
    `${q}DynamicQuantizeMatMul(x, w: uint8[6,4], s: float32[] = [0.1], z: uint8[] = [3], b: float32[4])`,
  ],
  [
    17,
    'x: float32[2,6]',
    `${q}MatMulIntegerToFloat(q, w: uint8[6,4], s, t: float32[4], z)\n  q = QuantizeLinear(x, ${scales})`,
  ],
  [
    17,
    'x: float32[2,6]',
    `${q}QGemm<transB=1>(q, s, z, w: int8[4,6], t: float32[] = [0.1], v: int8[] = [0], b: int32[4], s, z)\n  q = QuantizeLinear(x, ${scales})`,
  ],
  [
    17,
    'x: float32[2,6]',
    `${q}QGemm(q, s, z, w: int8[6,4], t: float32[] = [0.1], v: int8[] = [0])\n  q = QuantizeLinear(x, ${scales})`,
  ],
];
