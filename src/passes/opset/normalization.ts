import { attrOf } from '../../graph/attr.js';
import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import {
  Add,
  BatchNormalization,
  BatchNormalization7,
  constantOf,
  GroupNormalization,
  GroupNormalization18,
  InstanceNormalization,
  Mul,
  Reshape,
  ShapeOp,
} from '../../ops/index.js';
import { dtypeOf, shapeOf } from '../../ops/tensors.js';
import { dtypeCode, dtypeOfCode } from '../../tensor/dtype.js';
import { asFloat64, fromFloat64, isNumeric, type Tensor } from '../../tensor/tensor.js';
import { floatTypeOf } from './activation.js';
import { constant, int64Constant, nameFor, of, type OpsetChange, refuse } from './step.js';

/* Normalisation over batches and groups. */

const unlike = (a: Value, others: readonly Value[]): boolean =>
  others.some((v) => dtypeOf(v) !== dtypeOf(a) && dtypeOf(v) !== 'undefined' && dtypeOf(a) !== 'undefined');

const batch: readonly OpsetChange[] = [
  {
    op: 'BatchNormalization',
    version: 14,
    changes: 'training_mode came, where further outputs had said so; saved_mean and saved_var went',
    up: of(BatchNormalization7, (node) =>
      node.outputs.slice(1).some((v) => v !== undefined)
        ? refuse('it is in training mode, and which variance that gives is not said before opset 14')
        : undefined,
    ),
    down: of(BatchNormalization, (node) => {
      if (node.attr.training_mode !== 0) return refuse('training_mode came with opset 14');
      if (unlike(node.in.x, [node.in.mean, node.in.variance]))
        return refuse('its inputs have two element types, which came with opset 14');
      return undefined;
    }),
  },
  {
    op: 'BatchNormalization',
    version: 15,
    changes: 'scale and bias may have another element type than x',
    down: of(BatchNormalization, (node) =>
      unlike(node.in.x, [node.in.scale, node.in.bias])
        ? refuse('scale and bias have another element type than x, which came with opset 15')
        : undefined,
    ),
  },
];

/** A vector with each entry so many times; undefined where it is not a constant of floats. */
function repeated(value: Value, times: number): Tensor | undefined {
  const held = constantOf(value);
  const dtype = floatTypeOf(value);
  if (!held || !dtype || !isNumeric(held.dtype)) return undefined;
  const values = asFloat64(held);
  const out = Float64Array.from({ length: values.length * times }, (_, i) => values[Math.floor(i / times)] ?? 0);
  return fromFloat64(dtype, [out.length], out);
}

const filled = (edit: Editor, node: Node, dtype: 'float32', length: number, value: number, what: string): Value =>
  constant(edit, node, fromFloat64(dtype, [length], new Float64Array(length).fill(value)), nameFor(node, what));

const groups: readonly OpsetChange[] = [
  {
    op: 'GroupNormalization',
    version: 18,
    changes: 'came; written as InstanceNormalization of the groups before',
    down: of(GroupNormalization18, (node) => {
      const { x, scale, bias } = node.in;
      const { num_groups: count, epsilon } = node.attr;
      return (edit) => {
        const { graph } = node;
        const before = node;
        const merged = int64Constant(edit, node, [0, count, -1], 'groups');
        const flat = edit.add(graph, Reshape, { x, shape: merged }, {}, { before }).out.y;
        const y = edit.add(graph, InstanceNormalization, { x: flat, scale, bias }, { epsilon }, { before }).out.y;
        const shape = edit.add(graph, ShapeOp, { x }, {}, { before }).out.y;
        edit.replace(node, Reshape, { x: y, shape });
      };
    }),
  },
  {
    op: 'GroupNormalization',
    version: 21,
    changes: 'scale and bias are per channel; before, per group',
    up: of(GroupNormalization18, (node) => {
      const { x, scale, bias } = node.in;
      const channels = shapeOf(x)?.[1];
      const dtype = floatTypeOf(x);
      if (typeof channels !== 'number' || !dtype) return refuse('its channels or its element type are not known');
      const times = channels / node.attr.num_groups;
      const [factors, offsets] = [repeated(scale, times), repeated(bias, times)];
      if (!factors || !offsets) return refuse('scale or bias is computed; per channel there are more of them');
      return (edit) => {
        const [s, b] = [
          constant(edit, node, factors, nameFor(node, 'scale')),
          constant(edit, node, offsets, nameFor(node, 'bias')),
        ];
        edit.setInputList(node, [x, s, b]);
        if (dtype !== 'float32') edit.setAttr(node, attrOf.int('stash_type', dtypeCode(dtype)));
      };
    }),
    down: of(GroupNormalization, (node) => {
      const { x, scale, bias } = node.in;
      const { num_groups: count, epsilon, stash_type } = node.attr;
      const rank = shapeOf(x)?.length;
      const dtype = floatTypeOf(x);
      if (rank === undefined || !dtype) return refuse('its rank or its element type is not known');
      if (dtypeOfCode(stash_type) !== dtype)
        return refuse('stash_type is another type than that of x, and came with opset 21');
      return (edit) => {
        const { graph } = node;
        const before = node;
        const [one, zero] = ([1, 0] as const).map((v) =>
          filled(edit, node, dtype as 'float32', count, v, v ? 'ones' : 'zeros'),
        );
        if (!one || !zero) return;
        const normal = edit.add(
          graph,
          GroupNormalization18,
          { x, scale: one, bias: zero },
          { num_groups: count, epsilon },
          { before },
        ).out.y;
        const perChannel = int64Constant(edit, node, [-1, ...Array.from({ length: rank - 2 }, () => 1)], 'channels');
        const side = (v: Value): Value => edit.add(graph, Reshape, { x: v, shape: perChannel }, {}, { before }).out.y;
        const scaled = edit.add(graph, Mul, { a: normal, b: side(scale) }, {}, { before }).out.y;
        edit.replace(node, Add, { a: scaled, b: side(bias) });
      };
    }),
  },
];

export const NORMALIZATION_CHANGES: readonly OpsetChange[] = [...batch, ...groups];
