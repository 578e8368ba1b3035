import { constantInts } from '../graph/infer-node.js';
import type { Node, Value } from '../graph/ir.js';
import { asFloat64, isNumeric } from '../tensor/tensor.js';
import { Clip, Clip6 } from './activation.js';
import { constantOf } from './constants.js';
import { Transpose } from './rearrangement.js';
import { BatchNormalization, BatchNormalization7 } from './normalization.js';
import { OLD_REDUCTIONS, REDUCTIONS } from './reduction.js';
import { normalAxes, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from './shape.js';
import { Pad, Pad2, Slice, Slice1, Split, Split13, Split2 } from './slicing.js';
import { rankOf, shapeOf } from './tensors.js';

/*
 * Older and newer signatures of an operator read through one function. Each gives undefined when the node is none of them, or when
 * the parameter is computed, overridable, or not known.
 */

const intsIn = (value: Value | undefined): readonly number[] | undefined => {
  const held = constantOf(value);
  return held && constantInts(held);
};

/** A fixed scalar (or a tensor of one element). */
export function scalarOf(value: Value | undefined): number | undefined {
  const held = constantOf(value);
  return held && isNumeric(held.dtype) && held.shape.every((d) => d === 1) ? asFloat64(held)[0] : undefined;
}

export interface Padding {
  readonly mode: 'constant' | 'reflect' | 'edge' | 'wrap';
  /** One entry for each axis of the input; negative amounts crop. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  /** The fill value, in mode constant. */
  readonly value: number;
}

/** Larger amounts cannot be sizes, and sums of them would leave the exact integers. */
const MAX_PAD = 2 ** 31;

/** The amounts and the value of a Pad. Undefined where they are computed or out of bounds. */
export function padding(node: Node): Padding | undefined {
  const p = statedPadding(node);
  return p && [...p.begin, ...p.end].every((n) => Math.abs(n) <= MAX_PAD) ? p : undefined;
}

function statedPadding(node: Node): Padding | undefined {
  if (node.is(Pad2)) {
    const half = node.attr.pads.length / 2;
    const { mode, pads, value } = node.attr;
    return { mode, begin: pads.slice(0, half), end: pads.slice(half), value };
  }
  if (!node.is(Pad)) return undefined;
  const pads = intsIn(node.in.pads);
  const value = node.in.value ? scalarOf(node.in.value) : 0;
  if (!pads || value === undefined) return undefined;
  const half = pads.length / 2;
  if (!node.in.axes) return { mode: node.attr.mode, begin: pads.slice(0, half), end: pads.slice(half), value };
  const rank = rankOf(node.in.x);
  const axes = intsIn(node.in.axes);
  if (rank === undefined || axes?.length !== half || axes.some((a) => a < -rank || a >= rank)) return undefined;
  const begin = Array.from({ length: rank }, () => 0);
  const end = [...begin];
  axes.forEach((axis, i) => {
    begin[axis < 0 ? axis + rank : axis] = pads[i] ?? 0;
    end[axis < 0 ? axis + rank : axis] = pads[half + i] ?? 0;
  });
  return { mode: node.attr.mode, begin, end, value };
}

export interface SliceParams {
  /** Counted from the front. */
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

/** The ranges of a Slice; starts and ends as written (negative ones count from the end, and they may run past it). */
export function sliceParams(node: Node): SliceParams | undefined {
  const rank = rankOf(node.inputs[0]);
  if (rank === undefined) return undefined;
  if (node.is(Slice1)) {
    const { starts, ends, axes } = node.attr;
    return rangesOf(
      rank,
      starts,
      ends,
      axes ?? starts.keys(),
      starts.map(() => 1),
    );
  }
  if (!node.is(Slice)) return undefined;
  const starts = intsIn(node.in.starts);
  const axes = node.in.axes ? intsIn(node.in.axes) : starts?.keys();
  const steps = node.in.steps ? intsIn(node.in.steps) : starts?.map(() => 1);
  return rangesOf(rank, starts, intsIn(node.in.ends), axes, steps);
}

function rangesOf(
  rank: number,
  starts: readonly number[] | undefined,
  ends: readonly number[] | undefined,
  axes: Iterable<number> | undefined,
  steps: readonly number[] | undefined,
): SliceParams | undefined {
  if (!starts || !ends || !axes || !steps) return undefined;
  return { starts, ends, steps, axes: Array.from(axes, (a) => (a < 0 ? a + rank : a)) };
}

/** The axes that a Squeeze removes, sorted, counted from the front. */
export function squeezeAxes(node: Node): readonly number[] | undefined {
  const input = node.inputs[0];
  const shape = shapeOf(input);
  if (!shape) return undefined;
  let axes: readonly number[] | undefined;
  if (node.is(Squeeze1)) axes = node.attr.axes ?? onesOf(shape);
  else if (node.is(Squeeze)) axes = node.in.axes ? intsIn(node.in.axes) : onesOf(shape);
  return axes && normalAxes(axes, shape.length);
}

/** Without axes every axis of size 1 is removed: known only where all sizes are. */
const onesOf = (shape: readonly unknown[]): readonly number[] | undefined =>
  shape.every((d) => typeof d === 'number') ? shape.flatMap((d, i) => (d === 1 ? [i] : [])) : undefined;

/** The axes of the result that an Unsqueeze inserts, sorted, counted from the front. */
export function unsqueezeAxes(node: Node): readonly number[] | undefined {
  const rank = rankOf(node.inputs[0]);
  if (rank === undefined) return undefined;
  let axes: readonly number[] | undefined;
  if (node.is(Unsqueeze1)) axes = node.attr.axes;
  else if (node.is(Unsqueeze)) axes = intsIn(node.in.axes);
  return axes && normalAxes(axes, rank + axes.length);
}

/** The order of axes that a Transpose gives: axis i of the result is axis perm[i] of the input. */
export function permOf(node: Node): readonly number[] | undefined {
  if (!node.is(Transpose)) return undefined;
  return node.attr.perm ?? shapeOf(node.in.x)?.map((_, i, all) => all.length - 1 - i);
}

/** The axes that a reduction goes over, sorted, counted from the front; none when it does nothing. */
export function reduceAxes(node: Node): readonly number[] | undefined {
  const rank = rankOf(node.inputs[0]);
  if (rank === undefined) return undefined;
  const axes = writtenAxes(node);
  if (!axes) return undefined;
  if (axes.length > 0) return normalAxes(axes, rank);
  const nothing = REDUCTIONS.some((op) => node.is(op) && node.attr.noop_with_empty_axes !== 0);
  return nothing ? [] : Array.from({ length: rank }, (_, i) => i);
}

function writtenAxes(node: Node): readonly number[] | undefined {
  for (const op of OLD_REDUCTIONS) if (node.is(op)) return node.attr.axes ?? [];
  for (const op of REDUCTIONS) if (node.is(op)) return node.in.axes ? intsIn(node.in.axes) : [];
  return undefined;
}

export interface Splitting {
  /** Counted from the front. */
  readonly axis: number;
  readonly sizes: readonly number[];
}

/** The axis and the sizes of the parts of a Split. */
export function splitSizes(node: Node): Splitting | undefined {
  if (!node.is(Split) && !node.is(Split13) && !node.is(Split2)) return undefined;
  const shape = shapeOf(node.inputs[0]);
  if (!shape) return undefined;
  const axis = node.attr.axis < 0 ? node.attr.axis + shape.length : node.attr.axis;
  const sizes = node.outputs.map((y) => shapeOf(y)?.[axis]);
  return sizes.every((s) => typeof s === 'number') ? { axis, sizes } : undefined;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The bounds of a Clip; infinite where it has none. */
export function clipBounds(node: Node): Bounds | undefined {
  if (node.is(Clip6)) return { min: node.attr.min, max: node.attr.max };
  if (!node.is(Clip)) return undefined;
  const min = node.in.min ? scalarOf(node.in.min) : Number.NEGATIVE_INFINITY;
  const max = node.in.max ? scalarOf(node.in.max) : Number.POSITIVE_INFINITY;
  return min === undefined || max === undefined ? undefined : { min, max };
}

export interface BatchNorm {
  readonly x: Value;
  readonly scale: Value;
  readonly bias: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly y: Value;
  readonly epsilon: number;
  /** Whether it uses the statistics of the batch. */
  readonly training: boolean;
}

/** A BatchNormalization of any version; undefined for one whose statistics are per element (`spatial` = 0, before version 9). */
export function batchNorm(node: Node): BatchNorm | undefined {
  if (node.is(BatchNormalization))
    return { ...node.in, y: node.out.y, epsilon: node.attr.epsilon, training: node.attr.training_mode !== 0 };
  if (!node.is(BatchNormalization7) || node.attr.spatial === 0) return undefined;
  const training = node.outputs.some((v, i) => i > 0 && v !== undefined);
  return { ...node.in, y: node.out.y, epsilon: node.attr.epsilon, training };
}
