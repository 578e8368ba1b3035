import type { Value } from '../../graph/ir.js';
import { attrOf } from '../../graph/attr.js';
import { constantOf, Gather, OneHot, Scatter, ScatterElements, ScatterND, TopK, TopK1 } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { asFloat64, isNumeric, tensor, type Tensor } from '../../tensor/tensor.js';
import { constant, int64Constant, nameFor, of, type OpsetChange, refuse, type Refusal, setInput } from './step.js';

/* Indices: negative ones, which came with opset 11, and operators that were renamed or extended. */

/** Index tensors with more entries than this are not searched for negative ones. */
const MAX_INDICES = 1 << 20;

const numbersOf = (value: Value | undefined): { readonly held: Tensor; readonly values: Float64Array } | undefined => {
  const held = constantOf(value);
  if (!held || !isNumeric(held.dtype) || held.byteLength > 8 * MAX_INDICES) return undefined;
  return { held, values: asFloat64(held) };
};

/** Constant indices of an axis counted from the front. Undefined: they are. */
function counted(indices: Value, x: Value, axis: number): Tensor | Refusal | undefined {
  const known = numbersOf(indices);
  if (!known?.values.some((i) => i < 0)) return undefined;
  const size = shapeOf(x)?.at(axis);
  if (typeof size !== 'number')
    return refuse('an index counts from the back, which came with opset 11, and the size is not known');
  const { dtype, shape } = known.held;
  const values = Array.from(known.values, (i) => (i < 0 ? i + size : i));
  const bytes = dtype === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
  return tensor(dtype, shape, new Uint8Array(bytes.buffer));
}

const combines = (reduction: string): Refusal | undefined =>
  reduction === 'max' || reduction === 'min' ? refuse(`reduction '${reduction}' came with opset 18`) : undefined;

export const INDEXING_CHANGES: readonly OpsetChange[] = [
  {
    op: 'Gather',
    version: 11,
    changes: 'indices may count from the back',
    down: of(Gather, (node) => {
      const data = counted(node.in.indices, node.in.x, node.attr.axis);
      if (!data || 'refused' in data) return data;
      return (edit) => setInput(edit, node, 1, constant(edit, node, data, nameFor(node, 'indices')));
    }),
  },
  {
    op: 'Scatter',
    version: 11,
    changes: 'became ScatterElements',
    up: of(Scatter, (node) => {
      const { x, indices, updates } = node.in;
      return (edit) => void edit.replace(node, ScatterElements, { x, indices, updates }, {}, { attrsFrom: node });
    }),
  },
  {
    op: 'ScatterElements',
    version: 11,
    changes: 'was Scatter; indices may count from the back',
    down: of(ScatterElements, (node) => {
      const { x, indices, updates } = node.in;
      const data = counted(indices, x, node.attr.axis);
      if (data && 'refused' in data) return data;
      return (edit) => {
        const places = data ? constant(edit, node, data, nameFor(node, 'indices')) : indices;
        edit.replace(node, Scatter, { x, indices: places, updates }, {}, { attrsFrom: node });
      };
    }),
  },
  {
    op: 'ScatterElements',
    version: 18,
    changes: "reductions 'max' and 'min' came",
    down: of(ScatterElements, (node) => combines(node.attr.reduction)),
  },
  {
    op: 'ScatterND',
    version: 18,
    changes: "reductions 'max' and 'min' came",
    down: of(ScatterND, (node) => combines(node.attr.reduction)),
  },
  {
    op: 'TopK',
    version: 10,
    changes: 'k became an input',
    up: of(TopK1, (node) => {
      const { k } = node.attr;
      return (edit) => {
        edit.removeAttr(node, 'k');
        setInput(edit, node, 1, int64Constant(edit, node, [k], 'k'));
      };
    }),
    down: of(TopK, (node, at) => {
      const k = at.ints(node.in.k)?.[0];
      if (k === undefined) return refuse('k is computed; before opset 10 it is an attribute');
      return (edit) => {
        setInput(edit, node, 1, undefined);
        edit.setAttr(node, attrOf.int('k', k));
      };
    }),
  },
  {
    op: 'OneHot',
    version: 11,
    changes: 'indices may count from the back, which gave no 1 before',
    up: of(OneHot, (node) => oneHot(node.in.indices)),
    down: of(OneHot, (node) => oneHot(node.in.indices)),
  },
];

function oneHot(indices: Value): Refusal | undefined {
  const known = numbersOf(indices);
  return known?.values.every((i) => i >= 0)
    ? undefined
    : refuse('its indices are computed or negative; what negative ones mean changed with opset 11');
}
