import { type Skip, skip } from '../rule.js';

/**
 * One spatial axis of a convolution, without its input's length. Output o reads the input, taken as zero outside, at
 * `o * stride + offset + t * dilation` for the taps t = 0 .. taps-1; there are floor((length + slack) / stride) + 1 outputs.
 * ONNX's pads are the same thing said otherwise: begin = -offset, end = slack + 1 + (taps - 1) * dilation + offset.
 */
export interface Axis {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly offset: number;
  readonly slack: number;
  /** SAME_UPPER or SAME_LOWER at a length that is not known: offset and slack depend on it, and stand here as 0. */
  readonly auto?: 'SAME_UPPER' | 'SAME_LOWER' | undefined;
  /** What stands outside of the input, where it is not zeros: its own elements, as a Pad of that mode puts them there. */
  readonly border?: Border | undefined;
}

/** Modes of Pad whose padding is made of the input's elements. The element at a place outside is the same whatever the amounts. */
export type Border = 'reflect' | 'edge' | 'wrap';

/** The axis of the identity: one tap, nothing moved. */
export const UNIT: Axis = { taps: 1, stride: 1, dilation: 1, offset: 0, slack: -1 };

export const axisOf = (taps: number, stride: number, dilation: number, begin: number, end: number): Axis => ({
  taps,
  stride,
  dilation,
  offset: -begin,
  slack: begin + end - (taps - 1) * dilation - 1,
});

export const padBegin = (a: Axis): number => (a.offset === 0 ? 0 : -a.offset);
export const padEnd = (a: Axis): number => a.slack + 1 + (a.taps - 1) * a.dilation + a.offset;
export const outputLength = (a: Axis, length: number): number => Math.floor((length + a.slack) / a.stride) + 1;

/** Reads exactly the input's elements, each where it stands (or every stride-th): what is outside the output is outside the input. */
const isPointwise = (a: Axis): boolean => a.taps === 1 && a.offset === 0 && a.slack === -1 && !a.auto;

/** Outside of its output the window reads only what is outside of the input, as a 1x1 does, and windows that do not overlap. */
const staysOutside = (a: Axis): boolean =>
  a.auto === undefined && a.border === undefined && lastTap(a) < a.stride && a.offset + a.slack >= -1;

/** Whether a window ever looks beyond its input, at any length. A negative pad never does. */
export const looksOutside = (a: Axis): boolean => a.auto !== undefined || padBegin(a) > 0 || padEnd(a) > 0;

export interface Composed {
  readonly axis: Axis;
  /** Taps of the result that tap t of the outer and u of the inner make: outerStep * t + innerStep * u. */
  readonly outerStep: number;
  readonly innerStep: number;
}

/**
 * The axis of `outer` applied to the output of `inner`. `zeroBelow`: outside of the inner's output the outer reads what the inner would give on
 * zeros (it has no bias there). A reason when the two together are no convolution.
 */
export function compose(outer: Axis, inner: Axis, zeroBelow: boolean): Composed | Skip {
  if (outer.auto || inner.auto)
    return isPointwise(outer) && outer.stride === 1 ? { axis: inner, outerStep: 0, innerStep: 1 } : skip('auto-pad');
  if (looksOutside(outer)) {
    // Zeros of the output stem from zeros of the input; copies of its elements from copies at the same places.
    const alike = outer.border ? isPointwise(inner) && inner.stride === 1 : staysOutside(inner);
    if (!alike) return skip('padded-above-window');
    if (!outer.border && !zeroBelow) return skip('padded-above-bias');
  }
  const border = looksOutside(outer) ? outer.border : inner.border;
  const outerDilation = outer.dilation * inner.stride;
  const step =
    outer.taps === 1 ? inner.dilation : inner.taps === 1 ? outerDilation : gcd(outerDilation, inner.dilation);
  const outerStep = outer.taps === 1 ? 0 : outerDilation / step;
  const innerStep = inner.taps === 1 ? 0 : inner.dilation / step;
  return {
    outerStep,
    innerStep,
    axis: {
      taps: (outer.taps - 1) * outerStep + (inner.taps - 1) * innerStep + 1,
      stride: outer.stride * inner.stride,
      dilation: outer.taps === 1 && inner.taps === 1 ? 1 : step,
      offset: outer.offset * inner.stride + inner.offset,
      // floor((floor((L + a) / s) + m) / t) = floor((L + a + m s) / (s t))
      slack: inner.slack + inner.stride * (1 + outer.slack),
      ...(border && { border }),
    },
  };
}

export interface Aligned {
  readonly axis: Axis;
  /** Where each operand's first tap lands among the result's taps, and how far apart its taps come to stand there. */
  readonly starts: readonly [number, number];
  readonly steps: readonly [number, number];
}

/**
 * One axis that holds the taps of both: two windows on one input, summed. `length`: the input's, if known; `equal` if both are known to have equally
 * many outputs, whatever it is. A reason when they do not align.
 */
export function align(a: Axis, b: Axis, length: number | 'equal' | undefined): Aligned | Skip {
  if (sameAxis(a, b)) return { axis: a, starts: [0, 0], steps: [1, 1] };
  if (a.auto || b.auto) return skip('auto-pad');
  if (looksOutside(a) && looksOutside(b) && a.border !== b.border) return skip('borders-differ');
  if (a.stride !== b.stride) return skip('strides-differ');
  const equalLengths =
    a.slack === b.slack ||
    length === 'equal' ||
    (length !== undefined && outputLength(a, length) === outputLength(b, length));
  if (!equalLengths) return skip(length === undefined ? 'sizes-unproven' : 'sizes-differ');
  // The widest steps that meet every tap of both.
  const between = (x: Axis): number => (x.taps > 1 ? x.dilation : 0);
  const dilation = gcd(gcd(between(a), between(b)), a.offset - b.offset) || 1;
  const offset = Math.min(a.offset, b.offset);
  const last = Math.max(lastTap(a), lastTap(b));
  const border = looksOutside(a) ? a.border : b.border;
  const axis: Axis = {
    taps: (last - offset) / dilation + 1,
    stride: a.stride,
    dilation,
    offset,
    slack: Math.max(a.slack, b.slack),
    ...(border && { border }),
  };
  return {
    axis,
    starts: [(a.offset - offset) / dilation, (b.offset - offset) / dilation],
    steps: [between(a) / dilation, between(b) / dilation],
  };
}

const lastTap = (a: Axis): number => a.offset + (a.taps - 1) * a.dilation;

export const sameAxis = (a: Axis, b: Axis): boolean =>
  a.taps === b.taps &&
  a.stride === b.stride &&
  (a.taps === 1 || a.dilation === b.dilation) &&
  a.offset === b.offset &&
  a.slack === b.slack &&
  a.auto === b.auto &&
  a.border === b.border;

export function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/**
 * The axis as it reads when its input was padded by (begin, end), negative for a crop: what a Pad or Slice does, as a window of its own. With a step
 * it reads every step-th element of that.
 */
export const shiftAxis = (
  begin: number,
  end: number,
  { step = 1, border }: { step?: number; border?: Border | undefined } = {},
): Axis => ({
  taps: 1,
  stride: step,
  dilation: 1,
  offset: begin === 0 ? 0 : -begin,
  slack: begin + end - 1,
  ...(border && (begin > 0 || end > 0) && { border }),
});

/** The explicit form of auto_pad at a known length (ONNX Conv, "auto_pad"). */
export function samePads(
  mode: 'SAME_UPPER' | 'SAME_LOWER',
  taps: number,
  stride: number,
  dilation: number,
  length: number,
): readonly [number, number] {
  const outputs = Math.ceil(length / stride);
  const total = Math.max(0, (outputs - 1) * stride + (taps - 1) * dilation + 1 - length);
  const less = Math.floor(total / 2);
  return mode === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
}

/** An axis with auto_pad: explicit where the pads do not depend on the length (stride 1) or the length is known. */
export function autoAxis(
  mode: 'SAME_UPPER' | 'SAME_LOWER',
  taps: number,
  stride: number,
  dilation: number,
  length: number | undefined,
): Axis {
  if (stride !== 1 && length === undefined) return { taps, stride, dilation, offset: 0, slack: 0, auto: mode };
  // At stride 1 any length gives the same pads.
  const [begin, end] = samePads(mode, taps, stride, dilation, length ?? (taps - 1) * dilation + 1);
  return axisOf(taps, stride, dilation, begin, end);
}

/** Modes of padding, other than with zeros, that a window needs. */
export const bordersOf = (axes: readonly Axis[]): readonly Border[] => [
  ...new Set(axes.flatMap((a) => (looksOutside(a) && a.border ? [a.border] : []))),
];

/** The same outputs at this length from less padding at the end: as much as at the beginning, or just what the last window reads. */
export function tightened(axis: Axis, length: number | undefined): Axis {
  const excess = padEnd(axis) - padBegin(axis);
  if (axis.auto || length === undefined || excess <= 0) return axis;
  const least = (outputLength(axis, length) - 1) * axis.stride - length;
  return { ...axis, slack: Math.max(axis.border ? least : axis.slack - excess, least) };
}

export interface Legal {
  readonly axis: Axis;
  /** Zero taps put before the first one. */
  readonly before: number;
}

/** The same window with pads that ONNX allows: a crop becomes zero taps at that end. */
export function withoutCrops(axis: Axis): Legal {
  if (axis.auto || (padBegin(axis) >= 0 && padEnd(axis) >= 0)) return { axis, before: 0 };
  const dilation = axis.taps === 1 ? 1 : axis.dilation;
  const before = Math.max(0, Math.ceil(axis.offset / dilation));
  const moved: Axis = { ...axis, dilation, taps: axis.taps + before, offset: axis.offset - before * dilation };
  const after = Math.max(0, Math.ceil(-padEnd(moved) / dilation));
  return { axis: { ...moved, taps: moved.taps + after }, before };
}
