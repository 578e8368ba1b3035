import { added, attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import type { Shape } from '../graph/types.js';
import { AUTO_PAD } from './convolution.js';
import { vectorOf } from './ints.js';
import { type AutoPad, transposedOutput, windowOutput } from './shape-rules.js';
import { expectRank, like, shapeOf, typed } from './tensors.js';
import { FLOATS, INT64 } from './types.js';

interface PoolAttrs {
  readonly auto_pad: AutoPad;
  readonly ceil_mode: number;
  readonly dilations: readonly number[] | undefined;
  readonly kernel_shape: readonly number[];
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** N,C,E1..En. Throws `graph/shape` when the window does not fit. */
export function poolShape(x: Value, a: PoolAttrs): Shape | undefined {
  const input = shapeOf(x);
  if (!input) return undefined;
  expectRank(input, 3, 'the input', false);
  const window = { ...a, kernel: a.kernel_shape, autoPad: a.auto_pad, ceil: a.ceil_mode !== 0 };
  return [input[0], input[1], ...windowOutput(input.slice(2), window)];
}

export function globalPool(x: Value): Shape | undefined {
  const input = shapeOf(x);
  expectRank(input, 2, 'the input', false);
  return input?.map((d, i) => (i < 2 ? d : 1));
}

export const poolAttrs = {
  auto_pad: AUTO_PAD,
  kernel_shape: attr.requiredInts(),
  pads: attr.ints(),
  strides: attr.ints(),
};

export const MaxPool = defineOp({
  name: 'MaxPool',
  since: [1, 8, 10, 11, 12, 22],
  doc: 'The largest element under each window. x: N,C,D1..Dn. y, indices: N,C,E1..En.',
  inputs: { x: 'T' },
  outputs: { y: 'T', indices: 'I?' },
  types: { T: [...FLOATS, 'int8', 'uint8'], I: INT64 },
  attrs: {
    ...poolAttrs,
    ceil_mode: added(10, attr.int(0)),
    dilations: added(10, attr.ints()),
    storage_order: added(8, attr.int(0)),
  },
  infer({ in: { x }, attr }) {
    const shape = poolShape(x, attr);
    return { y: like(x, shape), indices: typed('int64', shape) };
  },
});

export const AveragePool = defineOp({
  name: 'AveragePool',
  since: [7, 10, 11, 19, 22],
  doc: 'The mean under each window, of all its taps (count_include_pad) or of those inside. x: N,C,D1..Dn. y: N,C,E1..En.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {
    ...poolAttrs,
    ceil_mode: added(10, attr.int(0)),
    count_include_pad: attr.int(0),
    dilations: added(19, attr.ints()),
  },
  infer: ({ in: { x }, attr }) => ({ y: like(x, poolShape(x, attr)) }),
});

export const LpPool = defineOp({
  name: 'LpPool',
  since: [2, 11, 18, 22],
  doc: 'The Lp norm under each window. x: N,C,D1..Dn. y: N,C,E1..En.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { ...poolAttrs, ceil_mode: added(18, attr.int(0)), dilations: added(18, attr.ints()), p: attr.int(2) },
  infer: ({ in: { x }, attr }) => ({ y: like(x, poolShape(x, attr)) }),
});

export const GlobalAveragePool = defineOp({
  name: 'GlobalAveragePool',
  since: [1, 22],
  doc: 'The mean of each channel. x: N,C,D1..Dn. y: N,C,1..1.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: like(x, globalPool(x)) }),
});

export const GlobalMaxPool = defineOp({
  name: 'GlobalMaxPool',
  since: [1, 22],
  doc: 'The largest element of each channel. x: N,C,D1..Dn. y: N,C,1..1.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: like(x, globalPool(x)) }),
});

export const GlobalLpPool = defineOp({
  name: 'GlobalLpPool',
  since: [2, 22],
  doc: 'The Lp norm of each channel. x: N,C,D1..Dn. y: N,C,1..1.',
  inputs: { x: 'T' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { p: attr.int(2) },
  infer: ({ in: { x } }) => ({ y: like(x, globalPool(x)) }),
});

export const MaxUnpool = defineOp({
  name: 'MaxUnpool',
  since: [9, 11, 22],
  doc: 'The inverse of MaxPool: elements placed at the indices, zeros elsewhere. x, indices: N,C,D1..Dn. output_shape: n + 2 integers. y: N,C,E1..En.',
  inputs: { x: 'T', indices: 'I', output_shape: 'I?' },
  outputs: { y: 'T' },
  types: { T: FLOATS, I: INT64 },
  attrs: { kernel_shape: attr.requiredInts(), pads: attr.ints(), strides: attr.ints() },
  infer({ in: { x, output_shape }, attr, ints }) {
    const input = shapeOf(x);
    if (output_shape) return { y: like(x, vectorOf(output_shape, ints)) };
    if (!input) return { y: like(x, undefined) };
    const sizes = transposedOutput(input.slice(2), { ...attr, kernel: attr.kernel_shape, autoPad: 'NOTSET' });
    return { y: like(x, [input[0], input[1], ...sizes]) };
  },
});
