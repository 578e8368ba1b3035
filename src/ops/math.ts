import { attr, defineOp } from '../graph/op-def.js';
import type { DType } from '../tensor/dtype.js';
import { same, shapeOf, subtractDims, typed } from './tensors.js';
import { BOOL, FLOAT8, FLOATS, INTS, NUMERIC, SIGNED } from './types.js';

/* Functions of one element. */

const unary = (name: string, since: readonly number[], doc: string, types: readonly DType[] = FLOATS) =>
  defineOp({
    name,
    since,
    doc: `${doc}, per element. x, y: of any shape.`,
    inputs: { x: 'T' },
    outputs: { y: 'T' },
    types: { T: types },
    attrs: {},
    infer: ({ in: { x } }) => ({ y: same(x) }),
  });

export const Abs = unary('Abs', [6, 13], '|x|', NUMERIC);
export const Acos = unary('Acos', [7, 22], 'The inverse cosine');
export const Acosh = unary('Acosh', [9, 22], 'The inverse hyperbolic cosine');
export const Asin = unary('Asin', [7, 22], 'The inverse sine');
export const Asinh = unary('Asinh', [9, 22], 'The inverse hyperbolic sine');
export const Atan = unary('Atan', [7, 22], 'The inverse tangent');
export const Atanh = unary('Atanh', [9, 22], 'The inverse hyperbolic tangent');
export const BitwiseNot = unary('BitwiseNot', [18], 'Every bit inverted', INTS);
export const Ceil = unary('Ceil', [6, 13], 'The smallest whole number not below x');
export const Cos = unary('Cos', [7, 22], 'The cosine of radians');
export const Cosh = unary('Cosh', [9, 22], 'The hyperbolic cosine');
export const Erf = unary('Erf', [9, 13], 'The error function', NUMERIC);
export const Exp = unary('Exp', [6, 13], 'e to the power of x');
export const Floor = unary('Floor', [6, 13], 'The largest whole number not above x');
export const Log = unary('Log', [6, 13], 'The natural logarithm');
export const Neg = defineOp({
  name: 'Neg',
  since: [6, 13],
  doc: '-x, per element. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: SIGNED },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: same(x) }),
  data: ({ in: { x }, ints }) => ints(x)?.map((d) => subtractDims(0, d)),
});
export const Not = unary('Not', [1], 'false for true, true for false', BOOL);
export const Reciprocal = unary('Reciprocal', [6, 13], '1 / x');
export const Round = unary('Round', [11, 22], 'The nearest whole number, ties to even');
export const Sign = unary('Sign', [9, 13], '-1, 0 or 1', NUMERIC);
export const Sin = unary('Sin', [7, 22], 'The sine of radians');
export const Sinh = unary('Sinh', [9, 22], 'The hyperbolic sine');
export const Sqrt = unary('Sqrt', [6, 13], 'The square root');
export const Tan = unary('Tan', [7, 22], 'The tangent of radians');

export const IsInf = defineOp({
  name: 'IsInf',
  since: [10, 20],
  doc: 'Whether x is infinite, of one sign or both, per element. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'B' },
  types: { T: [...FLOATS, ...FLOAT8], B: BOOL },
  attrs: { detect_negative: attr.int(1), detect_positive: attr.int(1) },
  infer: ({ in: { x } }) => ({ y: typed('bool', shapeOf(x)) }),
});

export const IsNaN = defineOp({
  name: 'IsNaN',
  since: [9, 13, 20],
  doc: 'Whether x is not a number, per element. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'B' },
  types: { T: [...FLOATS, ...FLOAT8], B: BOOL },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: typed('bool', shapeOf(x)) }),
});
