import { added, attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import type { ValueType } from '../graph/types.js';
import { expectRank, like, shapeOf } from './tensors.js';
import { FLOATS } from './types.js';

/*
 * Networks over a sequence. Axes, with layout 0: x: L,N,F (length, batch, features); y: L,D,N,H (D directions, H hidden units); states: D,N,H. With
 * layout 1 the batch is first. w: D,gates*H,F. r: D,gates*H,H.
 */

const INPUTS = { x: 'T', w: 'T', r: 'T', b: 'T?', lengths: 'I?', start: 'T?' } as const;
const TYPES = { T: FLOATS, I: ['int32'] } as const;

const ATTRS = {
  activation_alpha: attr.floats(),
  activation_beta: attr.floats(),
  activations: attr.strings(),
  clip: attr.float(),
  direction: attr.oneOf('forward', 'reverse', 'bidirectional'),
  hidden_size: attr.int(),
  layout: added(14, attr.int(0)),
} as const;

interface Recurrence {
  readonly hidden_size: number | undefined;
  readonly direction: string;
  readonly layout: number;
}

/** The types of y, and of the last states. */
function sequenceTypes(
  x: Value,
  r: Value,
  { hidden_size, direction, layout }: Recurrence,
): { readonly y: ValueType | undefined; readonly last: ValueType | undefined } {
  const [shape, recurrent] = [shapeOf(x), shapeOf(r)];
  expectRank(shape, 3, 'the sequence');
  expectRank(recurrent, 3, 'the recurrent weight');
  const hidden = hidden_size ?? recurrent?.[2];
  const directions = direction === 'bidirectional' ? 2 : 1;
  const [first, second] = [shape?.[0], shape?.[1]];
  return layout === 0
    ? { y: like(x, [first, directions, second, hidden]), last: like(x, [directions, second, hidden]) }
    : { y: like(x, [first, second, directions, hidden]), last: like(x, [first, directions, hidden]) };
}

export const GRU = defineOp({
  name: 'GRU',
  since: [7, 14, 22],
  doc: 'Gated recurrent units. x: L,N,F. w: D,3*H,F. r: D,3*H,H. b: D,6*H. start, y_h: D,N,H. y: L,D,N,H.',
  inputs: INPUTS,
  outputs: { y: 'T?', y_h: 'T?' },
  types: TYPES,
  attrs: { ...ATTRS, linear_before_reset: attr.int(0) },
  infer({ in: { x, r }, attr }) {
    const { y, last } = sequenceTypes(x, r, attr);
    return { y, y_h: last };
  },
});

export const LSTM = defineOp({
  name: 'LSTM',
  since: [7, 14, 22],
  doc: 'Long short-term memory. x: L,N,F. w: D,4*H,F. r: D,4*H,H. b: D,8*H. start, cells, y_h, y_c: D,N,H. peepholes: D,3*H. y: L,D,N,H.',
  inputs: { ...INPUTS, cells: 'T?', peepholes: 'T?' },
  outputs: { y: 'T?', y_h: 'T?', y_c: 'T?' },
  types: TYPES,
  attrs: { ...ATTRS, input_forget: attr.int(0) },
  infer({ in: { x, r }, attr }) {
    const { y, last } = sequenceTypes(x, r, attr);
    return { y, y_h: last, y_c: last };
  },
});

export const RNN = defineOp({
  name: 'RNN',
  since: [7, 14, 22],
  doc: 'A simple recurrent network. x: L,N,F. w: D,H,F. r: D,H,H. b: D,2*H. start, y_h: D,N,H. y: L,D,N,H.',
  inputs: INPUTS,
  outputs: { y: 'T?', y_h: 'T?' },
  types: TYPES,
  attrs: { ...ATTRS, activations: attr.strings(['Tanh', 'Tanh']) },
  infer({ in: { x, r }, attr }) {
    const { y, last } = sequenceTypes(x, r, attr);
    return { y, y_h: last };
  },
});
