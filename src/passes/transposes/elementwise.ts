import type { Node } from '../../graph/ir.js';

/** Operators that compute each element from those at the same place, operands that broadcast included. */
const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    'Abs Acos Acosh Add And Asin Asinh Atan Atanh Cast Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual ' +
    'HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal ' +
    'Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor'
  ).split(' '),
);

export const isElementwise = (node: Node): boolean => node.domain === '' && ELEMENTWISE.has(node.opType);
