import { attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import { axisOf, like, same, shapeOf } from './tensors.js';
import { FLOATS, NUMERIC } from './types.js';

const MAX_FLOAT32 = 3.4028234663852886e38;

const unary = {
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {},
  infer: ({ in: { x } }: { readonly in: { readonly x: Value } }) => ({ y: same(x) }),
} as const;

export const Relu = defineOp({
  ...unary,
  name: 'Relu',
  since: [6, 13, 14],
  doc: 'max(x, 0), per element. x, y: any shape.',
  types: { T: NUMERIC },
});

export const Sigmoid = defineOp({
  ...unary,
  name: 'Sigmoid',
  since: [6, 13],
  doc: '1 / (1 + exp(-x)), per element. x, y: any shape.',
});

/** The type of x, once it is known to have the axis. */
function alongAxis(x: Value, axis: number, end = 0): ReturnType<typeof same> {
  const shape = shapeOf(x);
  if (shape) axisOf(axis, shape.length, end);
  return like(x, shape);
}

export const Softmax = defineOp({
  ...unary,
  name: 'Softmax',
  since: [13],
  doc: 'exp(x) / sum(exp(x)) along one axis. x, y: any shape.',
  attrs: { axis: attr.int(-1) },
  infer: ({ in: { x }, attr }) => ({ y: alongAxis(x, attr.axis) }),
});

export const Softmax1 = defineOp({
  ...unary,
  name: 'Softmax',
  since: [1, 11],
  until: 13,
  doc: 'Softmax over all axes from `axis` on, taken as one. x, y: any shape.',
  attrs: { axis: attr.int(1) },
  infer: ({ in: { x }, attr }) => ({ y: alongAxis(x, attr.axis, 1) }),
});

export const Clip = defineOp({
  name: 'Clip',
  since: [11, 12, 13],
  doc: 'min(max(x, min), max), per element. x, y: any shape. min, max: scalars.',
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
  doc: 'Clip with its bounds as attributes. x, y: any shape.',
  attrs: { min: attr.float(-MAX_FLOAT32), max: attr.float(MAX_FLOAT32) },
});
