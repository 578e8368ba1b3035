import { attrOf } from '../../graph/attr.js';
import {
  Cast,
  CastLike,
  Constant,
  constantOf,
  Dropout,
  Dropout10,
  Dropout7,
  Identity,
  OptionalGetElement,
  OptionalHasElement,
  scalarOf,
  ShapeOp,
  Slice,
} from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { FLOATS_BEFORE_BFLOAT } from '../../ops/types.js';
import { dtypeCode, dtypeOfCode } from '../../tensor/dtype.js';
import { holdsInitializers } from '../match.js';
import { floatTypeOf, scalar } from './activation.js';
import { isFloat32 } from './slicing.js';
import { int64Constant, isUsed, type Move, of, type OpsetChange, refuse, setInput } from './step.js';

/* Casts, constants, Dropout, shapes and values that are no tensors. */

/** Opset 24 changed what infinities become in two of the types. */
const infinities: Move = of(Cast, (node) => {
  const to = dtypeOfCode(node.attr.to);
  return to.endsWith('fnuz') && node.attr.saturate !== 0
    ? refuse(`what infinity becomes as ${to} changed with opset 24`)
    : undefined;
});

const casts: readonly OpsetChange[] = [
  {
    op: 'CastLike',
    version: 15,
    changes: 'came; a Cast before',
    down: of(CastLike, (node) => {
      const { x, target } = node.in;
      const dtype = dtypeOf(target);
      if (dtype === 'undefined') return refuse('the element type that it casts to is not known');
      return (edit) => void edit.replace(node, Cast, { x }, { to: dtypeCode(dtype) });
    }),
  },
  {
    op: 'Cast',
    version: 24,
    changes: 'infinities saturate in all float8 types',
    up: infinities,
    down: infinities,
  },
];

const constants: readonly OpsetChange[] = [
  {
    op: 'Constant',
    version: 9,
    changes: 'holds more than floats; an initializer before',
    down: of(Constant, (node) => {
      const { y } = node.out;
      const held = constantOf(y);
      if (!held || FLOATS_BEFORE_BFLOAT.includes(dtypeOf(y)) || !holdsInitializers(node.graph)) return undefined;
      return (edit) => edit.foldTo(y, held);
    }),
  },
  {
    op: 'Constant',
    version: 12,
    changes: 'single numbers, lists and strings may stand in attributes of their own',
    down: of(Constant, (node) => {
      const { y } = node.out;
      const held = constantOf(y);
      if (node.attrs.has('value') || node.attrs.has('sparse_value')) return undefined;
      if (!held) return refuse('its value is not known');
      return (edit) => {
        for (const name of node.attrs.keys()) edit.removeAttr(node, name);
        edit.setAttr(node, attrOf.tensor('value', held));
      };
    }),
  },
];

const dropouts: readonly OpsetChange[] = [
  {
    op: 'Dropout',
    version: 10,
    changes: 'mask is bool; before, of the type of x',
    up: of(Dropout7, (node) => {
      if (isUsed(node.out.mask)) return refuse('its mask is used, whose type changed with opset 10');
      return (edit) => edit.dropOutputs(node, 1);
    }),
    down: of(Dropout10, (node) => {
      if (isUsed(node.out.mask)) return refuse('its mask is used, whose type changed with opset 10');
      return (edit) => edit.dropOutputs(node, 1);
    }),
  },
  {
    op: 'Dropout',
    version: 12,
    changes: 'ratio became an input; training_mode came',
    up: of(Dropout10, (node) => {
      if (isUsed(node.out.mask)) return refuse('its mask is used, which is not defined at inference before opset 12');
      const given = node.attrs.has('ratio');
      const dtype = floatTypeOf(node.in.x);
      if (given && !dtype) return refuse('its element type is not known');
      const { ratio } = node.attr;
      return (edit) => {
        edit.dropOutputs(node, 1);
        edit.removeAttr(node, 'ratio');
        if (given && dtype) setInput(edit, node, 1, scalar(edit, node, dtype, ratio, 'ratio'));
      };
    }),
    down: of(Dropout, (node) => {
      const { x, ratio, training_mode } = node.in;
      if (training_mode && scalarOf(training_mode) !== 0)
        return refuse('it may be in training mode, which came with opset 12');
      if (isUsed(node.out.mask)) return refuse('its mask is used, which is not defined at inference before opset 12');
      const rate = ratio && scalarOf(ratio);
      return (edit) => {
        edit.dropOutputs(node, 1);
        edit.setInputList(node, [x]);
        edit.removeAttr(node, 'seed');
        if (rate !== undefined && isFloat32(rate)) edit.setAttr(node, attrOf.float('ratio', rate));
      };
    }),
  },
];

const shapes: readonly OpsetChange[] = [
  {
    op: 'Shape',
    version: 15,
    changes: 'start and end came',
    down: of(ShapeOp, (node) => {
      const { x } = node.in;
      const { start, end } = node.attr;
      if (start === 0 && end === undefined) return undefined;
      return (edit) => {
        const whole = edit.add(node.graph, ShapeOp, { x }, {}, { before: node }).out.y;
        const at = (n: number, what: string) => int64Constant(edit, node, [n], what);
        // Beyond any rank.
        const ends = at(end ?? 2 ** 31 - 1, 'end');
        edit.replace(node, Slice, { x: whole, starts: at(start, 'start'), ends, axes: at(0, 'axis') });
      };
    }),
  },
];

/** Values of these kinds are refused below `version`. */
const noTensor = (op: string, version: number, kind: 'sequence' | 'optional'): OpsetChange => ({
  op,
  version,
  changes: `takes ${kind} values`,
  down: (node) =>
    [...node.inputs, ...node.outputs].some((v) => v?.type?.kind === kind)
      ? refuse(`${kind} values came with opset ${version}`)
      : undefined,
});

const kinds: readonly OpsetChange[] = [
  noTensor('Identity', 14, 'sequence'),
  noTensor('Identity', 16, 'optional'),
  noTensor('If', 13, 'sequence'),
  noTensor('If', 16, 'optional'),
  noTensor('Loop', 13, 'sequence'),
  noTensor('Loop', 16, 'optional'),
  {
    op: 'OptionalGetElement',
    version: 18,
    changes: 'takes values that are not optional, which it passes on',
    down: of(OptionalGetElement, (node) => {
      const { x } = node.in;
      if (x.type?.kind === 'optional') return undefined;
      if (!x.type) return refuse('whether its input is optional is not known');
      return (edit) => void edit.replace(node, Identity, { x });
    }),
  },
  {
    op: 'OptionalHasElement',
    version: 18,
    changes: 'takes values that are not optional, and none',
    down: of(OptionalHasElement, (node) =>
      node.in.x?.type?.kind === 'optional'
        ? undefined
        : refuse('its input is not proven to be optional, as before opset 18'),
    ),
  },
];

export const CONVERSION_CHANGES: readonly OpsetChange[] = [...casts, ...constants, ...dropouts, ...shapes, ...kinds];
