import type { Node, Value } from '../../graph/ir.js';
import { isSkip, type Skip, skip } from '../rule.js';
import { type Axis, type Composed, compose, UNIT } from './axis.js';
import { type Bias, type Form, tapsOf, type Term, weightCount } from './form.js';
import { addInto, composeKernels, composedGroups, type Plain, product, throughKernel } from './kernel.js';

const plain = (t: Term): Plain => ({
  kernel: t.kernel(),
  outputs: t.outputs,
  inputs: t.inputs,
  groups: t.groups,
  taps: tapsOf(t),
});

/** A window, with the bias it adds, to put on top of a form. */
export interface Layer {
  readonly term: Omit<Term, 'source' | 'from' | 'of' | 'identity'>;
  readonly bias?: Float64Array | undefined;
}

/** `layer` applied to `form`. `borderIsBias`: outside of the form's output the layer reads the form's bias, not zero. A reason when that is no sum of convolutions. */
export function composeForms(layer: Layer, form: Form, borderIsBias = false): Form | Skip {
  const terms: Term[] = [];
  for (const inner of form.terms) {
    const term = composeTerms(layer.term, inner, borderIsBias || !form.bias);
    if (isSkip(term)) return term;
    terms.push(term);
  }
  const strides = product(layer.term.axes.map((a) => a.stride));
  const outer: Term = { ...layer.term, source: form.terms[0]?.source as Value, from: 0, of: 0, identity: false };
  return {
    ...form,
    terms,
    outputs: layer.term.outputs,
    bias: composeBias(outer, form.bias, layer.bias),
    macs: form.macs * strides + (layer.term.convolution ? weightCount(outer) : 0),
  };
}

function composeTerms(outer: Layer['term'], inner: Term, zeroBelow: boolean): Term | Skip {
  const base = {
    source: inner.source,
    from: inner.from,
    of: inner.of,
    inputs: inner.inputs,
    outputs: outer.outputs,
    identity: false,
    convolution: larger(outer, inner),
  };
  const above: Term = { ...outer, source: inner.source, from: inner.from, of: inner.of, identity: false };
  if (zeroBelow && inner.identity && inner.axes.every((a) => a === UNIT)) return above;
  const groups = composedGroups(outer, inner);
  if (outer.transposed || inner.transposed) {
    const pointwise = outer.transposed ? inner : above;
    if (outer.transposed && inner.transposed) return skip('transposed-twice');
    if (!pointwise.axes.every(isUnit)) return skip('transposed-window');
    if (outer.transposed && !zeroBelow) return skip('transposed-bias');
    const transposed = outer.transposed ?? inner.transposed;
    const taps = transposed?.taps ?? [];
    const steps = {
      taps,
      outer: taps.map(() => (outer.transposed ? 1 : 0)),
      inner: taps.map(() => (outer.transposed ? 0 : 1)),
    };
    return {
      ...base,
      groups,
      axes: inner.axes,
      transposed,
      kernel: () => composeKernels(plain(above), plain(inner), steps),
    };
  }
  const composed: Composed[] = [];
  for (const [i, axis] of outer.axes.entries()) {
    const result = compose(axis, inner.axes[i] ?? UNIT, zeroBelow);
    if (isSkip(result)) return result;
    composed.push(result);
  }
  const steps = {
    taps: composed.map((c) => c.axis.taps),
    outer: composed.map((c) => c.outerStep),
    inner: composed.map((c) => c.innerStep),
  };
  return {
    ...base,
    groups,
    axes: composed.map((c) => c.axis),
    kernel: () => composeKernels(plain(above), plain(inner), steps),
  };
}

const isUnit = (a: Axis): boolean => a.taps === 1 && a.stride === 1 && a.offset === 0 && a.slack === -1 && !a.auto;

function larger(outer: Layer['term'], inner: Term): Node | undefined {
  const outerTaps = product(outer.transposed?.taps ?? outer.axes.map((a) => a.taps));
  return outer.convolution && outerTaps > product(tapsOf(inner))
    ? outer.convolution
    : (inner.convolution ?? outer.convolution);
}

function composeBias(outer: Term, below: Bias | undefined, above: Float64Array | undefined): Bias | undefined {
  if (!below) return above && { values: () => above.slice(), magnitudes: () => above.map(Math.abs) };
  const add = (own: Float64Array, more: Float64Array | undefined): Float64Array => (more ? addInto(own, more) : own);
  return {
    values: () => add(throughKernel(plain(outer), below.values()), above),
    magnitudes: () =>
      add(
        throughKernel({ ...plain(outer), kernel: outer.kernel().map(Math.abs) }, below.magnitudes()),
        above?.map(Math.abs),
      ),
  };
}
