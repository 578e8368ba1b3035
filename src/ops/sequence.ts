import type { Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import { type Dim, isTensorType, tensorType, type ValueType } from '../graph/types.js';
import { dtypeOfCode } from '../tensor/dtype.js';
import { commonType } from './control-flow.js';
import { axisOf, typed } from './tensors.js';
import { ALL, BOOL, CLASSIC, CLASSIC_BEFORE_BFLOAT, INDICES, INT64, NO_TENSOR } from './types.js';

/* Sequences of tensors, and optional values. In `types` stand the element types. */

const elementOf = (value: Value | undefined): ValueType | undefined =>
  value?.type?.kind === 'sequence' ? value.type.elem : undefined;

const sequenceOf = (elem: ValueType | undefined): ValueType => ({ kind: 'sequence', elem });

export const SequenceConstruct = defineOp({
  name: 'SequenceConstruct',
  since: [11],
  doc: 'A sequence of the given tensors. xs: of any shapes. y: a sequence.',
  inputs: { xs: 'T*' },
  outputs: { y: 'S' },
  types: { T: CLASSIC_BEFORE_BFLOAT, S: NO_TENSOR },
  attrs: {},
  infer: ({ in: { xs } }) => ({
    y: sequenceOf(xs.map((x) => x.type).reduce(commonType)),
  }),
});

export const SequenceEmpty = defineOp({
  name: 'SequenceEmpty',
  since: [11],
  doc: 'A sequence without entries. y: a sequence.',
  inputs: {},
  outputs: { y: 'S' },
  types: { S: NO_TENSOR },
  attrs: { dtype: attr.int() },
  infer: ({ attr }) => ({ y: sequenceOf(tensorType(dtypeOfCode(attr.dtype ?? 1))) }),
});

export const SequenceAt = defineOp({
  name: 'SequenceAt',
  since: [11],
  doc: 'One entry of a sequence. x: a sequence. position: scalar. y: its shape.',
  inputs: { x: 'S', position: 'I' },
  outputs: { y: 'T' },
  types: { S: NO_TENSOR, I: INDICES, T: CLASSIC_BEFORE_BFLOAT },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: elementOf(x) }),
});

export const SequenceErase = defineOp({
  name: 'SequenceErase',
  since: [11],
  doc: 'A sequence without one entry, the last without a position. x, y: sequences. position: scalar.',
  inputs: { x: 'S', position: 'I?' },
  outputs: { y: 'S' },
  types: { S: NO_TENSOR, I: INDICES },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: x.type }),
});

export const SequenceInsert = defineOp({
  name: 'SequenceInsert',
  since: [11],
  doc: 'A sequence with one more entry, at the end without a position. x, y: sequences. entry: of any shape. position: scalar.',
  inputs: { x: 'S', entry: 'T', position: 'I?' },
  outputs: { y: 'S' },
  types: { S: NO_TENSOR, T: CLASSIC_BEFORE_BFLOAT, I: INDICES },
  attrs: {},
  infer: ({ in: { x, entry } }) => ({ y: sequenceOf(commonType(elementOf(x), entry.type)) }),
});

export const SequenceLength = defineOp({
  name: 'SequenceLength',
  since: [11],
  doc: 'The number of entries of a sequence. x: a sequence. y: scalar.',
  inputs: { x: 'S' },
  outputs: { y: 'I' },
  types: { S: NO_TENSOR, I: INT64 },
  attrs: {},
  infer: () => ({ y: tensorType('int64', []) }),
});

export const ConcatFromSequence = defineOp({
  name: 'ConcatFromSequence',
  since: [11],
  doc: 'The entries of a sequence joined along one axis, or stacked on a new one. x: a sequence. y: the joined shape.',
  inputs: { x: 'S' },
  outputs: { y: 'T' },
  types: { S: NO_TENSOR, T: CLASSIC_BEFORE_BFLOAT },
  attrs: { axis: attr.requiredInt(), new_axis: attr.int(0) },
  infer({ in: { x }, attr }) {
    const entry = elementOf(x);
    if (!isTensorType(entry)) return {};
    const { shape } = entry;
    if (!shape) return { y: tensorType(entry.dtype) };
    const at = axisOf(attr.axis, shape.length, attr.new_axis);
    return { y: tensorType(entry.dtype, shape.toSpliced(at, attr.new_axis === 0 ? 1 : 0, undefined)) };
  },
});

export const SplitToSequence = defineOp({
  name: 'SplitToSequence',
  since: [11, 24],
  doc: 'Parts of x along one axis, as a sequence; entries without that axis if no split and keepdims is 0. x: D1..Dn. split: scalar or K.',
  inputs: { x: 'T', split: 'I?' },
  outputs: { y: 'S' },
  types: { T: CLASSIC, I: INDICES, S: NO_TENSOR },
  attrs: { axis: attr.int(0), keepdims: attr.int(1) },
  infer({ in: { x, split }, attr, ints }) {
    if (!isTensorType(x.type)) return {};
    const { dtype, shape } = x.type;
    if (!shape) return { y: sequenceOf(tensorType(dtype)) };
    const axis = axisOf(attr.axis, shape.length);
    if (!split && attr.keepdims === 0) return { y: sequenceOf(tensorType(dtype, shape.toSpliced(axis, 1))) };
    const sizes = split ? ints(split) : [1];
    const part: Dim = sizes?.every((s) => s === sizes[0]) && divides(sizes, shape[axis]) ? sizes[0] : undefined;
    return { y: sequenceOf(tensorType(dtype, shape.with(axis, part))) };
  },
});

/** Whether all parts have one size, without a smaller last one. */
const divides = (sizes: readonly Dim[], whole: Dim): boolean =>
  sizes.length > 1 ||
  sizes[0] === 1 ||
  (typeof whole === 'number' && typeof sizes[0] === 'number' && whole % sizes[0] === 0);

export const Optional = defineOp({
  name: 'Optional',
  since: [15, 28],
  doc: 'An optional value: x, or none of the type that the attribute names. x: of any type. y: optional.',
  inputs: { x: 'V?' },
  outputs: { y: 'O' },
  types: { V: ALL, O: NO_TENSOR },
  attrs: { type: attr.any('type') },
  infer({ in: { x }, attr }) {
    const named = attr.type?.kind === 'type' ? attr.type.value : undefined;
    return { y: { kind: 'optional', elem: x ? x.type : named } };
  },
});

export const OptionalGetElement = defineOp({
  name: 'OptionalGetElement',
  since: [15, 18, 28],
  doc: 'What an optional value holds. x: optional. y: of any type.',
  inputs: { x: 'O' },
  outputs: { y: 'V' },
  types: { O: ALL, V: ALL },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: x.type?.kind === 'optional' ? x.type.elem : x.type }),
});

export const OptionalHasElement = defineOp({
  name: 'OptionalHasElement',
  since: [15, 18, 28],
  doc: 'Whether an optional value holds something. x: optional. y: scalar.',
  inputs: { x: 'O?' },
  outputs: { y: 'B' },
  types: { O: ALL, B: BOOL },
  attrs: {},
  infer: () => ({ y: typed('bool', []) }),
});
