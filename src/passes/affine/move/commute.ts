import type { Node, Value } from '../../../graph/ir.js';
import type { AnyOpDef } from '../../../graph/op-def.js';
import {
  Add,
  AveragePool,
  Concat,
  constantOf,
  DepthToSpace,
  Dropout,
  Expand,
  Gather,
  GlobalAveragePool,
  GlobalMaxPool,
  Identity,
  LeakyRelu,
  MaxPool,
  Pad,
  Pad2,
  padding,
  permOf,
  PRelu,
  ReduceMax,
  ReduceMax1,
  ReduceMean,
  ReduceMean1,
  ReduceMin,
  ReduceMin1,
  ReduceSum,
  ReduceSum1,
  reduceAxes,
  Relu,
  Resize,
  Resize10,
  Slice,
  Slice1,
  SpaceToDepth,
  Split,
  Split13,
  Split2,
  Sub,
  Sum,
  Transpose,
  Upsample7,
  Upsample9,
} from '../../../ops/index.js';
import { rankOf, shapeOf } from '../../../ops/tensors.js';
import { sameShape, VIEWS } from '../../match.js';
import { looksOutside } from '../axis.js';
import { windowAxes } from '../lifts/conv.js';
import { blocks, gathered, joined, sliced, split } from './pieces.js';
import type { Step } from './steps.js';

/** An operator f with f(s * x + t) = s' * f(x) + t', where s' and t' are s and t as `steps` move them. */
export interface Commuting {
  readonly ops: readonly AnyOpDef[];
  /** Which scales go through: any, or none below zero. */
  readonly scale: 'any' | 'not-negative';
  /** Whether a shift goes through; `first`: into the first input alone. */
  readonly shift: (node: Node) => boolean | 'first';
  /** Inputs that carry data; only the first for most. */
  readonly inputs?: ((node: Node) => readonly Value[]) | undefined;
  /** How elements get from an input to an output. Undefined where that is not known, or the operator does more than move them. */
  readonly steps: (node: Node, input: Value, output: Value) => readonly Step[] | undefined;
  /** Only from the output to the inputs: the other inputs of a sum would have to be scaled too. */
  readonly upwardOnly?: true;
}

const always = (): boolean => true;
const never = (): boolean => false;
const keep = (...moving: readonly number[]): readonly Step[] => [{ kind: 'keep', moving }];
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** All axes after the channels. */
const spatial = (_: Node, input: Value): readonly Step[] | undefined => {
  const rank = rankOf(input);
  return rank === undefined ? undefined : keep(...range(2, rank));
};

/** The axes along which the output is not proven to be as long as the input; both have one rank. */
const resized = (_: Node, input: Value, output: Value): readonly Step[] | undefined => {
  const [from, to] = [shapeOf(input), shapeOf(output)];
  if (!from || from.length !== to?.length) return undefined;
  return keep(...range(0, from.length).filter((i) => from[i] === undefined || from[i] !== to[i]));
};

/** Operators by whose table entry an affine map moves; the algebra in symbols, s and t for one number of each channel. */
export const COMMUTING: readonly Commuting[] = [
  // f(s x + t) = s f(x) + t: the same elements.
  { ops: [Identity, Dropout], scale: 'any', shift: always, steps: unchanged },
  { ops: [Transpose], scale: 'any', shift: always, steps: transposed },
  { ops: VIEWS, scale: 'any', shift: always, steps: viewed },
  { ops: [Expand], scale: 'any', shift: always, steps: resized },
  { ops: [Slice, Slice1], scale: 'any', shift: always, steps: sliced },
  { ops: [Gather], scale: 'any', shift: always, steps: gathered },
  { ops: [Split, Split13, Split2], scale: 'any', shift: always, steps: split },
  { ops: [Concat], scale: 'any', shift: always, inputs: (node) => node.inputs.flatMap((v) => v ?? []), steps: joined },
  { ops: [DepthToSpace, SpaceToDepth], scale: 'any', shift: always, steps: blocks },
  // Means of elements, whose weights add up to 1.
  { ops: [GlobalAveragePool], scale: 'any', shift: always, steps: spatial },
  { ops: [AveragePool], scale: 'any', shift: countsNoBorder, steps: spatial },
  { ops: [ReduceMean, ReduceMean1], scale: 'any', shift: always, steps: reduced },
  { ops: [Resize, Resize10, Upsample7, Upsample9], scale: 'any', shift: always, steps: resampled },
  // Sums: s f(x), but a shift would be counted several times.
  { ops: [ReduceSum, ReduceSum1], scale: 'any', shift: never, steps: reduced },
  // Padding with zeros takes a scale; padding with elements of x takes a shift too.
  { ops: [Pad, Pad2], scale: 'any', shift: (node) => padding(node)?.mode !== 'constant', steps: padded },
  // max(s x + t) = s max(x) + t for s >= 0.
  { ops: [MaxPool], scale: 'not-negative', shift: always, steps: maxPooled },
  { ops: [GlobalMaxPool], scale: 'not-negative', shift: always, steps: spatial },
  { ops: [ReduceMax, ReduceMax1, ReduceMin, ReduceMin1], scale: 'not-negative', shift: always, steps: reduced },
  // relu(s x) = s relu(x) for s >= 0.
  { ops: [Relu, LeakyRelu, PRelu], scale: 'not-negative', shift: never, steps: () => keep() },
  // s (a + b) + t = (s a + t) + s b.
  {
    ops: [Add, Sub, Sum],
    scale: 'any',
    shift: () => 'first',
    inputs: (node) => node.inputs.flatMap((v) => v ?? []),
    steps: (_, input, output) =>
      sameShape(shapeOf(input), shapeOf(output)) && !constantOf(input) ? keep() : undefined,
    upwardOnly: true,
  },
];

const BY_OP = new Map(COMMUTING.flatMap((c) => c.ops.map((op) => [op.name, c] as const)));

/** The entry of the table for a node, if it has one of the declared signatures. */
export function commutingOf(node: Node): Commuting | undefined {
  const entry = node.domain === '' ? BY_OP.get(node.opType) : undefined;
  return entry?.ops.some((op) => node.is(op)) ? entry : undefined;
}

/** A Dropout that may be in training mode, or whose mask is read, is more than its input. */
function unchanged(node: Node): readonly Step[] | undefined {
  return node.outputs[1] || node.inputs[2] ? undefined : keep();
}

function transposed(node: Node): readonly Step[] | undefined {
  const perm = permOf(node);
  return perm && [{ kind: 'permute', perm }];
}

function viewed(_: Node, input: Value, output: Value): readonly Step[] | undefined {
  const [from, to] = [shapeOf(input), shapeOf(output)];
  return from && to && [{ kind: 'view', from, to }];
}

function reduced(node: Node, input: Value): readonly Step[] | undefined {
  const axes = reduceAxes(node);
  const rank = rankOf(input);
  if (!axes || rank === undefined) return undefined;
  const keepdims = node.attrs.get('keepdims');
  const drops = keepdims?.kind === 'int' && keepdims.value === 0n;
  return drops ? [{ kind: 'drop', axes }] : keep(...axes);
}

/** Nearest, linear and cubic interpolation weight elements by numbers that add up to 1, unless they read beyond the border. */
function resampled(node: Node, input: Value, output: Value): readonly Step[] | undefined {
  if (node.is(Resize) && node.attr.coordinate_transformation_mode === 'tf_crop_and_resize') return undefined;
  return resized(node, input, output);
}

/** With a border that counts as zeros, or a window that reaches past the end, the weights do not add up to 1. */
function countsNoBorder(node: Node): boolean {
  if (!node.is(AveragePool)) return false;
  if (node.attr.count_include_pad === 0) return true;
  const axes = windowAxes(node.in.x, node.attr.kernel_shape, node.attr);
  return node.attr.ceil_mode === 0 && axes !== undefined && !axes.some(looksOutside);
}

/** A dilated window may lie in the padding alone, and gives what the runtime takes for minus infinity. */
function maxPooled(node: Node, input: Value): readonly Step[] | undefined {
  if (!node.is(MaxPool) || node.out.indices) return undefined;
  const { auto_pad, dilations, pads } = node.attr;
  const pads0 = auto_pad === 'VALID' || (auto_pad === 'NOTSET' && !pads?.some((n) => n !== 0));
  return !pads0 && dilations?.some((n) => n !== 1) ? undefined : spatial(node, input);
}

function padded(node: Node, input: Value): readonly Step[] | undefined {
  const p = padding(node);
  if (!p || (p.mode === 'constant' && p.value !== 0)) return undefined;
  return p.begin.length === rankOf(input)
    ? keep(...range(0, p.begin.length).filter((i) => p.begin[i] !== 0 || p.end[i] !== 0))
    : undefined;
}
