import { added, attr, defineOp } from '../graph/op-def.js';
import { dtypeOfCode } from '../tensor/dtype.js';
import { checkBias, convAttrs, convShape } from './convolution.js';
import { matMulShape } from './linear.js';
import { dtypeOf, shapeOf, typed } from './tensors.js';
import { FLOAT8, FLOATS, QUANTIZED } from './types.js';
import type { DType } from '../tensor/dtype.js';

const BYTES: readonly DType[] = ['int8', 'uint8'];
const SCALES: readonly DType[] = [...FLOATS.filter((t) => t !== 'float64'), 'float8e8m0'];

export const ConvInteger = defineOp({
  name: 'ConvInteger',
  since: [10],
  doc: 'Convolution of 8-bit integers, zero points subtracted, summed in int32. x: N,C,D1..Dn. w: M,C/group,k1..kn. y: N,M,E1..En.',
  inputs: { x: 'T', w: 'U', x_zero_point: 'T?', w_zero_point: 'U?' },
  outputs: { y: 'V' },
  types: { T: BYTES, U: BYTES, V: ['int32'] },
  attrs: convAttrs,
  infer: ({ in: { x, w }, attr }) => ({ y: typed('int32', convShape(x, w, attr)) }),
});

export const QLinearConv = defineOp({
  name: 'QLinearConv',
  since: [10],
  doc: 'Convolution of quantised tensors. x: N,C,D1..Dn. w: M,C/group,k1..kn. b: M. y: N,M,E1..En.',
  inputs: {
    x: 'T',
    x_scale: 'F',
    x_zero_point: 'T',
    w: 'U',
    w_scale: 'F',
    w_zero_point: 'U',
    y_scale: 'F',
    y_zero_point: 'V',
    b: 'B?',
  },
  outputs: { y: 'V' },
  types: { T: BYTES, U: BYTES, V: BYTES, F: ['float32'], B: ['int32'] },
  attrs: convAttrs,
  infer({ in: { x, w, y_zero_point, b }, attr }) {
    checkBias(b, shapeOf(w)?.[0]);
    return { y: typed(dtypeOf(y_zero_point), convShape(x, w, attr)) };
  },
});

export const MatMulInteger = defineOp({
  name: 'MatMulInteger',
  since: [10],
  doc: 'The product of 8-bit matrices, zero points subtracted, in int32. a: ..,M,K. b: ..,K,N. y: ..,M,N.',
  inputs: { a: 'T', b: 'U', a_zero_point: 'T?', b_zero_point: 'U?' },
  outputs: { y: 'V' },
  types: { T: BYTES, U: BYTES, V: ['int32'] },
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: typed('int32', matMulShape(shapeOf(a), shapeOf(b))) }),
});

export const QLinearMatMul = defineOp({
  name: 'QLinearMatMul',
  since: [10, 21],
  doc: 'The product of quantised matrices. a: ..,M,K. b: ..,K,N. y: ..,M,N.',
  inputs: {
    a: 'T',
    a_scale: 'F',
    a_zero_point: 'T',
    b: 'U',
    b_scale: 'F',
    b_zero_point: 'U',
    y_scale: 'F',
    y_zero_point: 'V',
  },
  outputs: { y: 'V' },
  types: {
    T: [...BYTES, ...FLOAT8],
    U: [...BYTES, ...FLOAT8],
    V: [...BYTES, ...FLOAT8],
    F: ['float32', 'float16', 'bfloat16'],
  },
  attrs: {},
  infer: ({ in: { a, b, y_zero_point } }) => ({
    y: typed(dtypeOf(y_zero_point), matMulShape(shapeOf(a), shapeOf(b))),
  }),
});

/** A type code of 0 means: not given. */
const chosen = (code: number, otherwise: DType): DType => (code === 0 ? otherwise : dtypeOfCode(code));

export const QuantizeLinear = defineOp({
  name: 'QuantizeLinear',
  since: [10, 13, 19, 21, 23, 24, 25, 28],
  doc: 'round(x / scale) + zero_point, saturated: per tensor, per axis or per block. x, y: of any shape. scale, zero_point: scalar, one per entry of `axis`, or blocked.',
  inputs: { x: 'T', scale: 'S', zero_point: 'U?' },
  outputs: { y: 'U' },
  types: { T: [...FLOATS.filter((t) => t !== 'float64'), 'int32'], S: [...SCALES, 'int32'], U: QUANTIZED },
  attrs: {
    axis: added(13, attr.int(1)),
    block_size: added(21, attr.int(0)),
    output_dtype: added(21, attr.int(0)),
    precision: added(23, attr.int(0)),
    saturate: added(19, attr.int(1)),
  },
  infer: ({ in: { x, zero_point }, attr }) => ({
    y: typed(zero_point ? dtypeOf(zero_point) : chosen(attr.output_dtype, 'uint8'), shapeOf(x)),
  }),
});

export const DequantizeLinear = defineOp({
  name: 'DequantizeLinear',
  since: [10, 13, 19, 21, 23, 24, 25, 28],
  doc: '(x - zero_point) * scale: per tensor, per axis or per block. x, y: of any shape. scale, zero_point: scalar, one per entry of `axis`, or blocked.',
  inputs: { x: 'T', scale: 'S', zero_point: 'T?' },
  outputs: { y: 'U' },
  types: { T: [...QUANTIZED, 'int32'], S: SCALES, U: FLOATS.filter((t) => t !== 'float64') },
  attrs: { axis: added(13, attr.int(1)), block_size: added(21, attr.int(0)), output_dtype: added(23, attr.int(0)) },
  infer: ({ in: { x, scale }, attr }) => ({ y: typed(chosen(attr.output_dtype, dtypeOf(scale)), shapeOf(x)) }),
});

export const DynamicQuantizeLinear = defineOp({
  name: 'DynamicQuantizeLinear',
  since: [11],
  doc: 'x quantised to uint8, the scale taken from the range of x. x, y: of any shape. scale, zero_point: scalars.',
  inputs: { x: 'T' },
  outputs: { y: 'U', scale: 'T', zero_point: 'U' },
  types: { T: ['float32'], U: ['uint8'] },
  attrs: {},
  infer: ({ in: { x } }) => ({
    y: typed('uint8', shapeOf(x)),
    scale: typed('float32', []),
    zero_point: typed('uint8', []),
  }),
});
