import type { Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import { axisOf, like, same, shapeError, shapeOf, shapeText } from './tensors.js';
import { broadcast } from './shape-rules.js';
import { FLOATS, FLOATS_BEFORE_BFLOAT, NUMERIC, SIGNED } from './types.js';

const MAX_FLOAT32 = 3.4028234663852886e38;

const unary = {
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {},
  infer: ({ in: { x } }: { readonly in: { readonly x: Value } }) => ({ y: same(x) }),
} as const;

export const Celu = defineOp({
  ...unary,
  name: 'Celu',
  since: [12, 28],
  doc: 'max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), per element. x, y: of any shape.',
  attrs: { alpha: attr.float(1) },
});

export const Clip = defineOp({
  name: 'Clip',
  since: [11, 12, 13],
  doc: 'min(max(x, min), max), per element. x, y: of any shape. min, max: scalars.',
  inputs: { x: 'T', min: 'T?', max: 'T?' },
  outputs: { y: 'T' },
  types: { T: NUMERIC },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: same(x) }),
});

export const Clip6 = defineOp({
  ...unary,
  name: 'Clip',
  since: [6],
  until: 11,
  doc: 'Clip with its bounds as attributes. x, y: of any shape.',
  types: { T: FLOATS_BEFORE_BFLOAT },
  attrs: { min: attr.float(-MAX_FLOAT32), max: attr.float(MAX_FLOAT32) },
});

export const Elu = defineOp({
  ...unary,
  name: 'Elu',
  since: [6, 22],
  doc: 'x, or alpha * (exp(x) - 1) where x < 0. x, y: of any shape.',
  attrs: { alpha: attr.float(1) },
});

export const Gelu = defineOp({
  ...unary,
  name: 'Gelu',
  since: [20],
  doc: 'x * P(X <= x) of a normal variable X, or its approximation by tanh. x, y: of any shape.',
  attrs: { approximate: attr.oneOf('none', 'tanh') },
});

export const HardSigmoid = defineOp({
  ...unary,
  name: 'HardSigmoid',
  since: [6, 22],
  doc: 'max(0, min(1, alpha * x + beta)), per element. x, y: of any shape.',
  attrs: { alpha: attr.float(0.2), beta: attr.float(0.5) },
});

export const HardSwish = defineOp({
  ...unary,
  name: 'HardSwish',
  since: [14, 22],
  doc: 'x * max(0, min(1, x / 6 + 0.5)), per element. x, y: of any shape.',
});

export const LeakyRelu = defineOp({
  ...unary,
  name: 'LeakyRelu',
  since: [6, 16],
  doc: 'x, or alpha * x where x < 0. x, y: of any shape.',
  attrs: { alpha: attr.float(0.01) },
});

export const Mish = defineOp({
  ...unary,
  name: 'Mish',
  since: [18, 22],
  doc: 'x * tanh(log(1 + exp(x))), per element. x, y: of any shape.',
});

export const PRelu = defineOp({
  name: 'PRelu',
  since: [7, 9, 16],
  doc: 'x, or slope * x where x < 0. x, y: of any shape. slope: broadcasts to x.',
  inputs: { x: 'T', slope: 'T' },
  outputs: { y: 'T' },
  types: { T: [...FLOATS, 'int32', 'int64', 'uint32', 'uint64'] },
  attrs: {},
  infer({ in: { x, slope } }) {
    const [input, factor] = [shapeOf(x), shapeOf(slope)];
    if (input && factor && (broadcast([input, factor])?.length ?? 0) > input.length)
      throw shapeError(`the slope ${shapeText(factor)} does not broadcast to ${shapeText(input)}`);
    return { y: like(x, input) };
  },
});

export const Relu = defineOp({
  ...unary,
  name: 'Relu',
  since: [6, 13, 14],
  doc: 'max(x, 0), per element. x, y: of any shape.',
  types: { T: SIGNED },
});

export const Selu = defineOp({
  ...unary,
  name: 'Selu',
  since: [6, 22],
  doc: 'gamma * x, or gamma * (alpha * exp(x) - alpha) where x <= 0. x, y: of any shape.',
  attrs: { alpha: attr.float(1.6732631921768188), gamma: attr.float(1.0507010221481323) },
});

export const Shrink = defineOp({
  ...unary,
  name: 'Shrink',
  since: [9],
  doc: 'x + bias below -lambd, x - bias above lambd, 0 between. x, y: of any shape.',
  types: { T: NUMERIC.filter((t) => t !== 'bfloat16') },
  attrs: { bias: attr.float(0), lambd: attr.float(0.5) },
});

export const Sigmoid = defineOp({
  ...unary,
  name: 'Sigmoid',
  since: [6, 13],
  doc: '1 / (1 + exp(-x)), per element. x, y: of any shape.',
});

export const Softplus = defineOp({
  ...unary,
  name: 'Softplus',
  since: [1, 22],
  doc: 'log(exp(x) + 1), per element. x, y: of any shape.',
});

export const Softsign = defineOp({
  ...unary,
  name: 'Softsign',
  since: [1, 22],
  doc: 'x / (1 + |x|), per element. x, y: of any shape.',
});

export const Swish = defineOp({
  ...unary,
  name: 'Swish',
  since: [24],
  doc: 'x / (1 + exp(-alpha * x)), per element. x, y: of any shape.',
  attrs: { alpha: attr.float(1) },
});

export const Tanh = defineOp({
  ...unary,
  name: 'Tanh',
  since: [6, 13],
  doc: 'The hyperbolic tangent, per element. x, y: of any shape.',
});

export const ThresholdedRelu = defineOp({
  ...unary,
  name: 'ThresholdedRelu',
  since: [10, 22],
  doc: 'x where x > alpha, else 0. x, y: of any shape.',
  attrs: { alpha: attr.float(1) },
});

/** The type of x, after a check that it has the axis; `end` = 1 allows one past the last. */
function alongAxis(x: Value, axis: number, end = 0): ReturnType<typeof same> {
  const shape = shapeOf(x);
  if (shape) axisOf(axis, shape.length, end);
  return like(x, shape);
}

const alongOne = (name: string, doc: string) =>
  defineOp({
    ...unary,
    name,
    since: [13],
    doc: `${doc} along one axis. x, y: of any shape.`,
    attrs: { axis: attr.int(-1) },
    infer: ({ in: { x }, attr }) => ({ y: alongAxis(x, attr.axis) }),
  });

const alongRest = (name: string, doc: string) =>
  defineOp({
    ...unary,
    name,
    since: [1, 11],
    until: 13,
    types: { T: FLOATS_BEFORE_BFLOAT },
    doc: `${doc} over all axes from \`axis\` on, flattened to one. x, y: of any shape.`,
    attrs: { axis: attr.int(1) },
    infer: ({ in: { x }, attr }) => ({ y: alongAxis(x, attr.axis, 1) }),
  });

export const Softmax = alongOne('Softmax', 'exp(x) / sum(exp(x))');
export const Softmax1 = alongRest('Softmax', 'exp(x) / sum(exp(x))');
export const LogSoftmax = alongOne('LogSoftmax', 'x - log(sum(exp(x)))');
export const LogSoftmax1 = alongRest('LogSoftmax', 'x - log(sum(exp(x)))');
export const Hardmax = alongOne('Hardmax', '1 for the first largest element, 0 for the others,');
export const Hardmax1 = alongRest('Hardmax', '1 for the first largest element, 0 for the others,');
