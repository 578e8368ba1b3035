import { encodeName } from '../base/text.js';
import { added, attr, defineOp } from '../graph/op-def.js';
import { constantTensor, type Value } from '../graph/ir.js';
import { constantInts } from '../graph/infer-node.js';
import { float32Tensor, int64Tensor, stringTensor, type Tensor } from '../tensor/tensor.js';
import { tensorType } from '../graph/types.js';
import { ALL } from './types.js';

export const Constant = defineOp({
  name: 'Constant',
  since: [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
  doc: 'The tensor that its one attribute holds. y: its shape.',
  inputs: {},
  outputs: { y: 'T' },
  types: { T: ALL },
  attrs: {
    value: attr.tensor(),
    sparse_value: added(11, attr.any('sparse_tensor')),
    value_float: added(12, attr.float()),
    value_floats: added(12, attr.floats()),
    value_int: added(12, attr.int()),
    value_ints: added(12, attr.ints()),
    value_string: added(12, attr.string()),
    value_strings: added(12, attr.strings()),
  },
  infer({ attr }) {
    const sparse = attr.sparse_value;
    if (sparse?.kind === 'sparse_tensor') return { y: tensorType(sparse.value.values.dtype, sparse.value.dims) };
    const t = heldTensor(attr);
    return { y: t && tensorType(t.dtype, t.shape) };
  },
  data({ attr }) {
    const t = heldTensor(attr);
    return t && constantInts(t);
  },
});

interface Held {
  readonly value: Tensor | undefined;
  readonly value_float: number | undefined;
  readonly value_floats: readonly number[] | undefined;
  readonly value_int: number | undefined;
  readonly value_ints: readonly number[] | undefined;
  readonly value_string: string | undefined;
  readonly value_strings: readonly string[] | undefined;
}

function heldTensor(a: Held): Tensor | undefined {
  if (a.value) return a.value;
  if (a.value_float !== undefined) return float32Tensor([], [a.value_float]);
  if (a.value_floats) return float32Tensor([a.value_floats.length], a.value_floats);
  if (a.value_int !== undefined) return int64Tensor([], [a.value_int]);
  if (a.value_ints) return int64Tensor([a.value_ints.length], a.value_ints);
  if (a.value_string !== undefined) return stringTensor([], [encodeName(a.value_string)]);
  return a.value_strings && stringTensor([a.value_strings.length], a.value_strings.map(encodeName));
}

/** The tensor of a value that is fixed: an initializer that nobody can change, or what a Constant holds (dense). */
export function constantOf(value: Value | undefined): Tensor | undefined {
  const producer = value?.producer;
  if (!producer || value.isOverwritten) return constantTensor(value);
  return producer.is(Constant) ? heldTensor(producer.attr) : undefined;
}
