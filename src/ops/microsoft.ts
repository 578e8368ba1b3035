import type { Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import type { DType } from '../tensor/dtype.js';
import { checkBias, convAttrs, convShape } from './convolution.js';
import { broadcastType } from './elementwise.js';
import { matMulShape } from './linear.js';
import { globalPool, poolAttrs, poolShape } from './pooling.js';
import { dtypeOf, like, same, shapeOf, typed } from './tensors.js';
import { FLOATS_BEFORE_BFLOAT } from './types.js';

/*
 * onnxruntime's own operators (domain com.microsoft) that its quantiser and its optimiser write into convolutional networks.
 * Source: onnxruntime docs/ContribOperators.md.
 */

const BYTES: readonly DType[] = ['int8', 'uint8'];
const FLOAT: readonly DType[] = ['float32'];
const domain = 'com.microsoft';
const types = { T: BYTES, F: FLOAT };

/** The scale and zero point of a quantised input or output; scalars, or one per channel of a weight. */
const unary = {
  domain,
  since: [1],
  inputs: { x: 'T', x_scale: 'F', x_zero_point: 'T?', y_scale: 'F', y_zero_point: 'T?' },
  outputs: { y: 'T' },
  types,
} as const;

interface One {
  readonly in: { readonly x: Value };
}
const sameShape = ({ in: { x } }: One): { readonly y: ReturnType<typeof same> } => ({ y: same(x) });

export const QLinearSigmoid = defineOp({
  ...unary,
  name: 'QLinearSigmoid',
  doc: 'Sigmoid of a quantised tensor. x, y: of any shape. Scales and zero points: scalars.',
  attrs: {},
  infer: sameShape,
});

export const QLinearLeakyRelu = defineOp({
  ...unary,
  name: 'QLinearLeakyRelu',
  doc: 'LeakyRelu of a quantised tensor. x, y: of any shape. Scales and zero points: scalars.',
  attrs: { alpha: attr.float(0.01) },
  infer: sameShape,
});

export const QLinearSoftmax = defineOp({
  ...unary,
  name: 'QLinearSoftmax',
  doc: 'Softmax, as ONNX has it in `opset`, of a quantised tensor. x, y: of any shape. Scales and zero points: scalars.',
  attrs: { axis: attr.int(), opset: attr.requiredInt() },
  infer: sameShape,
});

/** N,C,D1..Dn, which pooling of tensors with their channels last is not. */
const channelsFirst = <T>(channelsLast: number, shape: T): T | undefined => (channelsLast === 0 ? shape : undefined);

export const QLinearAveragePool = defineOp({
  ...unary,
  name: 'QLinearAveragePool',
  doc: 'AveragePool of a quantised tensor. x: N,C,D1..Dn. y: N,C,E1..En. Scales and zero points: scalars.',
  attrs: {
    ...poolAttrs,
    ceil_mode: attr.int(0),
    channels_last: attr.int(0),
    count_include_pad: attr.int(0),
  },
  infer: ({ in: { x }, attr }) => ({
    y: like(x, channelsFirst(attr.channels_last, poolShape(x, { ...attr, dilations: undefined }))),
  }),
});

export const QLinearGlobalAveragePool = defineOp({
  ...unary,
  name: 'QLinearGlobalAveragePool',
  doc: 'GlobalAveragePool of a quantised tensor. x: N,C,D1..Dn. y: N,C,1..1. Scales and zero points: scalars.',
  inputs: { x: 'T', x_scale: 'F', x_zero_point: 'T', y_scale: 'F', y_zero_point: 'T' },
  attrs: { channels_last: attr.int(0) },
  infer: ({ in: { x }, attr }) => ({ y: like(x, channelsFirst(attr.channels_last, globalPool(x))) }),
});

const binary = (name: string, doc: string) =>
  defineOp({
    domain,
    name,
    since: [1],
    doc: `${doc} of quantised tensors, per element. a, b: broadcast to y. Scales and zero points: scalars.`,
    inputs: {
      a: 'T',
      a_scale: 'F',
      a_zero_point: 'T?',
      b: 'T',
      b_scale: 'F',
      b_zero_point: 'T?',
      y_scale: 'F',
      y_zero_point: 'T?',
    },
    outputs: { y: 'T' },
    types,
    attrs: {},
    infer: ({ in: { a, b } }) => ({ y: broadcastType([a, b]) }),
  });

export const QLinearAdd = binary('QLinearAdd', 'The sum');
export const QLinearMul = binary('QLinearMul', 'The product');

export const QGemm = defineOp({
  domain,
  name: 'QGemm',
  since: [1],
  doc: "Gemm of quantised matrices; a float result without y_scale. a': M,K. b': K,N. c: N, or M,N. y: M,N. Scales of b: scalar or N.",
  inputs: {
    a: 'A',
    a_scale: 'F',
    a_zero_point: 'A',
    b: 'B',
    b_scale: 'F',
    b_zero_point: 'B',
    c: 'C?',
    y_scale: 'F?',
    y_zero_point: 'Y?',
  },
  outputs: { y: 'Z' },
  types: { A: BYTES, B: BYTES, C: ['int32'], F: FLOAT, Y: BYTES, Z: [...FLOAT, ...BYTES] },
  attrs: { alpha: attr.float(1), transA: attr.int(0), transB: attr.int(0) },
  infer({ in: { a, b, y_zero_point }, attr }) {
    const rows = shapeOf(a)?.[attr.transA === 0 ? 0 : 1];
    const columns = shapeOf(b)?.[attr.transB === 0 ? 1 : 0];
    return { y: typed(y_zero_point ? dtypeOf(y_zero_point) : 'float32', [rows, columns]) };
  },
});

export const FusedConv = defineOp({
  domain,
  name: 'FusedConv',
  since: [1],
  doc: 'Conv, plus z, then an activation. x: N,C,D1..Dn. w: M,C/group,k1..kn. b: M. y, z: N,M,E1..En.',
  inputs: { x: 'T', w: 'T', b: 'T?', z: 'T?' },
  outputs: { y: 'T' },
  types: { T: FLOATS_BEFORE_BFLOAT },
  attrs: { ...convAttrs, activation: attr.string(), activation_params: attr.floats() },
  infer({ in: { x, w, b }, attr }) {
    checkBias(b, shapeOf(w)?.[0]);
    return { y: like(x, convShape(x, w, attr)) };
  },
});

export const DynamicQuantizeMatMul = defineOp({
  domain,
  name: 'DynamicQuantizeMatMul',
  since: [1],
  doc: 'MatMul of a float matrix, quantised by its range, and a quantised one. a: ..,M,K. b: ..,K,N. bias: N. y: ..,M,N.',
  inputs: { a: 'F', b: 'T', b_scale: 'F', b_zero_point: 'T?', bias: 'F?' },
  outputs: { y: 'F' },
  types,
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: like(a, matMulShape(shapeOf(a), shapeOf(b))) }),
});

export const MatMulIntegerToFloat = defineOp({
  domain,
  name: 'MatMulIntegerToFloat',
  since: [1],
  doc: 'The product of quantised matrices as float. a: ..,M,K. b: ..,K,N. bias: N. y: ..,M,N. Scales of b: scalar or N.',
  inputs: { a: 'A', b: 'B', a_scale: 'F', b_scale: 'F', a_zero_point: 'A?', b_zero_point: 'B?', bias: 'F?' },
  outputs: { y: 'F' },
  types: { A: BYTES, B: BYTES, F: FLOAT },
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: typed('float32', matMulShape(shapeOf(a), shapeOf(b))) }),
});
