import type { Node, Value } from '../../graph/ir.js';
import { asFloat64, type Tensor } from '../../tensor/tensor.js';
import { type Axis, UNIT } from './axis.js';
import { addInto, product, regroup, scaleRows } from './kernel.js';

/** Element types whose kernels are merged: read as float64, rounded back once. */
export type FloatType = 'float32' | 'float64' | 'float16' | 'bfloat16';

/** Half a unit in the last place of 1: the relative error of one rounding. */
export const UNIT_ROUNDOFF = { float32: 2 ** -24, float64: 2 ** -53, float16: 2 ** -11, bfloat16: 2 ** -8 } as const;

/** The geometry of a ConvTranspose: its window, and the node whose attributes say the rest. Two are alike when their keys are. */
export interface Transposed {
  readonly taps: readonly number[];
  readonly key: string;
  readonly node: Node;
}

/** A convolution of one source: channels `from` to `from + inputs` of it, to `outputs` channels. */
export interface Term {
  readonly source: Value;
  readonly from: number;
  /** All channels of the source. */
  readonly of: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  /** Spatial axes, outermost first; none for a matrix product. Those of a transposed convolution are pointwise and carry no meaning. */
  readonly axes: readonly Axis[];
  readonly transposed?: Transposed | undefined;
  /** [outputs, inputs / groups, taps]; computed anew at each call, so the caller owns it. */
  readonly kernel: () => Float64Array;
  /** The source itself: a kernel of ones, depthwise, one tap. */
  readonly identity: boolean;
  /** The first convolution-like node that was crossed on the way from the source: lends its name; absent for a mere scale. */
  readonly convolution?: Node | undefined;
}

export interface Bias {
  readonly values: () => Float64Array;
  /** The sum of the magnitudes that `values` came from: how large its rounding errors can be. */
  readonly magnitudes: () => Float64Array;
}

/**
 * A value as an affine function: the sum of its terms, all of one output shape, plus a constant per channel. `first`: channels on axis 1, spatial axes
 * after them; `last`: channels on the last axis, no spatial axes, any rank (what MatMul makes).
 */
export interface Form {
  readonly terms: readonly Term[];
  readonly bias?: Bias | undefined;
  readonly outputs: number;
  readonly layout: 'first' | 'last';
  readonly type: FloatType | undefined;
  /** The nodes between the sources and this value. */
  readonly path: Path | undefined;
  /** Multiply-accumulates of those nodes for one output position, and the elements of their constants. */
  readonly macs: number;
  readonly params: number;
  /** How many windows were put on top of windows. */
  readonly stacked: number;
}

/** The nodes that a form went through, the last on top; a tree of references, so that adding one node costs the same at any length. */
export interface Path {
  readonly node?: Node | undefined;
  readonly below: readonly (Path | undefined)[];
}

/** The nodes of a path, each before all of those below it. */
export function nodesOf(path: Path | undefined): Set<Node> {
  const nodes = new Set<Node>();
  const pending = [path];
  while (pending.length > 0) {
    const next = pending.pop();
    if (!next) continue;
    if (next.node) {
      // Parts of one Split meet again at the Split: it comes after the last of them.
      nodes.delete(next.node);
      nodes.add(next.node);
    }
    for (const below of next.below) pending.push(below);
  }
  return nodes;
}

export const spatialRank = (form: Form): number => form.terms[0]?.axes.length ?? 0;
export const tapsOf = (term: Term): readonly number[] => term.transposed?.taps ?? term.axes.map((a) => a.taps);
export const weightCount = (term: Term): number => (term.outputs * term.inputs * product(tapsOf(term))) / term.groups;

export function identityForm(source: Value, channels: number, rank: number, layout: 'first' | 'last'): Form {
  const axes = Array.from({ length: rank }, () => UNIT);
  const term: Term = {
    source,
    from: 0,
    of: channels,
    inputs: channels,
    outputs: channels,
    groups: channels,
    axes,
    identity: true,
    kernel: () => new Float64Array(channels).fill(1),
  };
  return {
    terms: [term],
    bias: undefined,
    outputs: channels,
    layout,
    type: undefined,
    path: undefined,
    macs: 0,
    params: 0,
    stacked: 0,
  };
}

/** A node that a form goes through, and the constants that it has. */
export interface Crossing {
  readonly node: Node;
  readonly params?: number;
  readonly type?: FloatType | undefined;
}

export function crossed(form: Form, { node, params = 0, type }: Crossing): Form {
  return { ...form, path: { node, below: [form.path] }, params: form.params + params, type: form.type ?? type };
}

/** A kernel that is a stored tensor, in the kernel's own layout, with at most a factor for each row. */
export interface RowScaled {
  readonly weight: Tensor;
  readonly factor?: Float64Array | undefined;
}

/** Keyed by the function that computes the kernel: any other change of a term gives it another function. Such kernels need no copy in float64. */
const rowScaled = new WeakMap<Term['kernel'], RowScaled>();

export const rowScaledOf = (term: Term): RowScaled | undefined => rowScaled.get(term.kernel);

/** The kernel of an untouched weight. */
export function storedKernel(weight: Tensor): Term['kernel'] {
  const kernel = (): Float64Array => asFloat64(weight);
  rowScaled.set(kernel, { weight });
  return kernel;
}

function scaledKernel({ kernel }: Term, factor: Float64Array): Term['kernel'] {
  const scaled = (): Float64Array => scaleRows(kernel(), factor);
  const stored = rowScaled.get(kernel);
  if (stored)
    rowScaled.set(scaled, {
      weight: stored.weight,
      factor: stored.factor?.map((f, o) => f * (factor[o] ?? 0)) ?? factor,
    });
  return scaled;
}

export function scale(form: Form, factor: Float64Array): Form {
  const { bias } = form;
  return {
    ...form,
    terms: form.terms.map((t) => ({ ...t, identity: false, kernel: scaledKernel(t, factor) })),
    bias: bias && {
      values: () => bias.values().map((b, o) => b * (factor[o] ?? 0)),
      magnitudes: () => bias.magnitudes().map((m, o) => m * Math.abs(factor[o] ?? 0)),
    },
  };
}

export function shift(form: Form, values: Float64Array, magnitudes: Float64Array = values.map(Math.abs)): Form {
  const { bias } = form;
  return {
    ...form,
    bias: {
      values: () => (bias ? addInto(bias.values(), values) : values.slice()),
      magnitudes: () => (bias ? addInto(bias.magnitudes(), magnitudes) : magnitudes.slice()),
    },
  };
}

/** A term's kernel in fewer groups; always a fresh array. */
export function inGroups(term: Term, groups: number): Float64Array {
  return regroup(term.kernel(), term.outputs, term.inputs, product(tapsOf(term)), term.groups, groups);
}

/** Whether more than scaling, shifting and moving happened on the way from the sources. */
export const hasWindow = (form: Form): boolean =>
  form.terms.some((t) => t.convolution !== undefined || product(tapsOf(t)) > 1);

export const sameSource = (a: Term, b: Term): boolean =>
  a.source === b.source && a.from === b.from && a.inputs === b.inputs;

/** Output channels `start` to `start + count`. */
export function selectOutputs(form: Form, start: number, count: number): Form {
  const { bias } = form;
  return {
    ...form,
    outputs: count,
    terms: form.terms.map((t) => selectTerm(t, start, count)),
    bias: bias && {
      values: () => bias.values().slice(start, start + count),
      magnitudes: () => bias.magnitudes().slice(start, start + count),
    },
    macs: (form.macs * count) / form.outputs,
  };
}

function selectTerm(term: Term, start: number, count: number): Term {
  const rows = term.outputs / term.groups;
  if (start % rows === 0 && count % rows === 0) {
    const groups = count / rows;
    const width = term.inputs / term.groups;
    const size = weightCount(term) / term.outputs;
    return {
      ...term,
      from: term.from + (start / rows) * width,
      inputs: groups * width,
      outputs: count,
      groups,
      kernel: () => term.kernel().slice(start * size, (start + count) * size),
    };
  }
  const size = (weightCount(term) * term.groups) / term.outputs;
  return {
    ...term,
    identity: false,
    groups: 1,
    outputs: count,
    kernel: () => inGroups(term, 1).slice(start * size, (start + count) * size),
  };
}
