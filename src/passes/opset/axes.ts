import { attrOf } from '../../graph/attr.js';
import type { Attr, Node } from '../../graph/ir.js';
import { Identity, OLD_REDUCTIONS, REDUCTIONS, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from '../../ops/index.js';
import { rankOf } from '../../ops/tensors.js';
import {
  type Change,
  int64Constant,
  isRefusal,
  type Move,
  of,
  type OpsetChange,
  type Refusal,
  refuse,
  setInput,
  type Step,
} from './step.js';

/* Axes: lists that were attributes and became inputs, and negative ones, which came with opset 11. */

export const rawInts = (node: Node, name: string): readonly bigint[] | undefined => {
  const a: Attr | undefined = node.attrs.get(name);
  return a?.kind === 'ints' ? Array.from(a.values) : undefined;
};

/** A list in an attribute becomes an input. */
const toInput =
  (name: string, index: number): ((node: Node) => Change | undefined) =>
  (node) => {
    const given = rawInts(node, name);
    if (!given) return undefined;
    return (edit) => {
      edit.removeAttr(node, name);
      if (given.length > 0) setInput(edit, node, index, int64Constant(edit, node, given, name));
    };
  };

/** An input with a list becomes an attribute. */
function toAttribute(node: Node, at: Step, name: string, index: number): Change | Refusal | undefined {
  const input = node.inputs[index];
  if (!input) return undefined;
  const values = at.ints(input);
  if (!values)
    return refuse(`${name} is computed, or an input of the model; before opset ${at.to + 1} it is an attribute`);
  return (edit) => {
    setInput(edit, node, index, undefined);
    if (values.length > 0) edit.setAttr(node, attrOf.ints(name, values));
  };
}

const squeezes: readonly OpsetChange[] = [
  {
    op: 'Squeeze',
    version: 13,
    changes: 'axes became an input',
    up: of(Squeeze1, toInput('axes', 1)),
    down: of(Squeeze, (node, at) => toAttribute(node, at, 'axes', 1)),
  },
  {
    op: 'Unsqueeze',
    version: 13,
    changes: 'axes became an input',
    up: of(Unsqueeze1, toInput('axes', 1)),
    down: of(Unsqueeze, (node, at) => toAttribute(node, at, 'axes', 1)),
  },
];

const reductions: readonly OpsetChange[] = REDUCTIONS.map((op, i) => {
  const old = OLD_REDUCTIONS[i];
  if (old?.name !== op.name) throw new Error(`bug: ${op.name} has no older signature`);
  return {
    op: op.name,
    version: op.since[0] ?? 18,
    changes: 'axes became an input; noop_with_empty_axes came',
    up: of(old, toInput('axes', 1)),
    down: of(op, (node, at) => {
      const { x, axes } = node.in;
      const noop = node.attr.noop_with_empty_axes !== 0;
      const listed = axes ? at.ints(axes) : [];
      if (noop && !listed) return refuse('axes are computed, and none would mean that nothing is reduced');
      if (noop && listed?.length === 0) return (edit) => void edit.replace(node, Identity, { x });
      const axesMove = toAttribute(node, at, 'axes', 1);
      if (isRefusal(axesMove)) return axesMove;
      return (edit) => {
        edit.removeAttr(node, 'noop_with_empty_axes');
        axesMove?.(edit);
      };
    }),
  };
});

/** Which attribute holds axes, and of what rank they are axes, given the first input. */
interface AxisAttribute {
  readonly op: string;
  readonly name: string;
  /** How much larger than the first input's rank the counted one is. */
  readonly extra?: (node: Node) => number;
}

/** Before opset 11 these count axes from the front only. */
const AXES: readonly AxisAttribute[] = [
  ...['ArgMax', 'ArgMin', 'Compress', 'Concat', 'Hardmax', 'LogSoftmax', 'Softmax', 'Split'].map((op) => ({
    op,
    name: 'axis',
  })),
  { op: 'Flatten', name: 'axis' },
  { op: 'Squeeze', name: 'axes' },
  { op: 'Unsqueeze', name: 'axes', extra: (node) => rawInts(node, 'axes')?.length ?? 0 },
  ...OLD_REDUCTIONS.map((op) => ({ op: op.name, name: 'axes' })),
];

const fromFront =
  ({ name, extra }: AxisAttribute): Move =>
  (node) => {
    const attr = node.attrs.get(name);
    const given = attr?.kind === 'int' ? [attr.value] : attr?.kind === 'ints' ? Array.from(attr.values) : [];
    if (given.every((axis) => axis >= 0n)) return undefined;
    const rank = rankOf(node.inputs[0]);
    if (rank === undefined)
      return refuse(`${name} counts from the back, which came with opset 11, and the rank is not known`);
    const all = BigInt(rank + (extra?.(node) ?? 0));
    const counted = given.map((axis) => (axis < 0n ? axis + all : axis));
    return (edit) =>
      edit.setAttr(node, attr?.kind === 'int' ? attrOf.int(name, counted[0] ?? 0n) : attrOf.ints(name, counted));
  };

const negative: readonly OpsetChange[] = AXES.map((a) => ({
  op: a.op,
  version: 11,
  changes: `${a.name} may count from the back`,
  down: fromFront(a),
}));

export const AXIS_CHANGES: readonly OpsetChange[] = [...squeezes, ...reductions, ...negative];
