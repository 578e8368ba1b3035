import { added, attr, defineOp } from '../graph/op-def.js';
import { dtypeOfCode } from '../tensor/dtype.js';
import { dtypeOf, same, shapeOf, typed } from './tensors.js';
import { ALL, BOOL, CASTABLE, FLOAT8, FLOATS, FLOATS_BEFORE_BFLOAT } from './types.js';

export const Identity = defineOp({
  name: 'Identity',
  since: [1, 13, 14, 16, 19, 21, 23, 24, 25],
  doc: 'x itself: a tensor, a sequence or an optional.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: ALL },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: x.type ?? same(x) }),
  data: ({ in: { x }, ints }) => ints(x),
});

export const Cast = defineOp({
  name: 'Cast',
  since: [6, 9, 13, 19, 21, 23, 24, 25, 28],
  doc: 'x with another element type. x, y: of any shape. to: an ONNX type code.',
  inputs: { x: 'T' },
  outputs: { y: 'U' },
  types: { T: CASTABLE, U: CASTABLE },
  attrs: { to: attr.requiredInt(), saturate: added(19, attr.int(1)), round_mode: added(24, attr.string('up')) },
  infer: ({ in: { x }, attr }) => ({ y: typed(dtypeOfCode(attr.to), shapeOf(x)) }),
  data({ in: { x }, attr, ints }) {
    const to = dtypeOfCode(attr.to);
    return to === 'int64' || to === 'int32' ? ints(x) : undefined;
  },
});

export const Dropout = defineOp({
  name: 'Dropout',
  since: [12, 13, 22],
  doc: 'x; in training mode with elements set to zero at a rate of `ratio`. x, y, mask: of any shape. ratio, training_mode: scalars.',
  inputs: { x: 'T', ratio: 'R?', training_mode: 'B?' },
  outputs: { y: 'T', mask: 'B?' },
  types: { T: [...FLOATS, ...FLOAT8], R: [...FLOATS, ...FLOAT8], B: BOOL },
  attrs: { seed: attr.int() },
  infer: ({ in: { x } }) => ({ y: same(x), mask: typed('bool', shapeOf(x)) }),
});

export const Dropout10 = defineOp({
  name: 'Dropout',
  since: [10],
  until: 12,
  doc: 'x: this version only exists for inference. x, y, mask: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'T', mask: 'B?' },
  types: { T: FLOATS_BEFORE_BFLOAT, B: BOOL },
  attrs: { ratio: attr.float(0.5) },
  infer: ({ in: { x } }) => ({ y: same(x), mask: typed('bool', shapeOf(x)) }),
});

export const Dropout7 = defineOp({
  name: 'Dropout',
  since: [7],
  until: 10,
  doc: 'x: this version only exists for inference; its mask has the type of x. x, y, mask: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'T', mask: 'T?' },
  types: { T: FLOATS_BEFORE_BFLOAT },
  attrs: { ratio: attr.float(0.5) },
  infer: ({ in: { x } }) => ({ y: same(x), mask: same(x) }),
});

const FIXED_WIDTH = ALL.filter((t) => t !== 'string');

export const BitCast = defineOp({
  name: 'BitCast',
  since: [26],
  doc: 'The bits of x read as another type of the same width. x, y: of any shape. to: an ONNX type code.',
  inputs: { x: 'T' },
  outputs: { y: 'U' },
  types: { T: FIXED_WIDTH, U: FIXED_WIDTH },
  attrs: { to: attr.requiredInt() },
  infer: ({ in: { x }, attr }) => ({ y: typed(dtypeOfCode(attr.to), shapeOf(x)) }),
});

export const CastLike = defineOp({
  name: 'CastLike',
  since: [15, 19, 21, 23, 24, 25],
  doc: 'x with the element type of another tensor. x, y: of any shape.',
  inputs: { x: 'T', target: 'U' },
  outputs: { y: 'U' },
  types: { T: CASTABLE, U: CASTABLE },
  attrs: { saturate: added(19, attr.int(1)), round_mode: added(24, attr.string('up')) },
  infer: ({ in: { x, target } }) => ({ y: typed(dtypeOf(target), shapeOf(x)) }),
  data({ in: { x, target }, ints }) {
    const to = dtypeOf(target);
    return to === 'int64' || to === 'int32' ? ints(x) : undefined;
  },
});
