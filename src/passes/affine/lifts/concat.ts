import {
  Concat,
  constantOf,
  ReduceMean,
  ReduceMean1,
  reduceAxes,
  Unsqueeze,
  Unsqueeze1,
  unsqueezeAxes,
} from '../../../ops/index.js';
import type { Value } from '../../../graph/ir.js';
import { absent, isSkip, skip } from '../../rule.js';
import { sameAxis } from '../axis.js';
import { crossed, type Form, sameSource, type Term } from '../form.js';
import { lift } from '../lift.js';
import { sumOf } from './elementwise.js';

/** Stacks output channels: of windows on one source, or of windows on neighbouring channels of one source, which makes groups. */
export const liftConcat = lift(
  Concat,
  'windows on one source stacked, or windows on its channel groups side by side',
  (node, at) => {
    if (at.layout !== 'first') return absent('channels are on the last axis');
    const rank = node.in.xs[0]?.type?.kind === 'tensor' ? node.in.xs[0].type.shape?.length : undefined;
    if (node.attr.axis !== 1 && !(rank !== undefined && node.attr.axis + rank === 1))
      return absent('joins another axis than the channels');
    if (node.in.xs.some((v) => constantOf(v))) return absent('joins a constant');
    const forms: Form[] = [];
    for (const value of node.in.xs) {
      const form = at.operand(value);
      if (isSkip(form)) return form;
      if (form.terms.length !== 1) return skip('joins sums of different sources');
      forms.push(form);
    }
    const [first, ...rest] = forms.flatMap((f) => f.terms);
    if (!first) return absent('joins nothing');
    if (rest.some((t) => t.source !== first.source)) return absent('joins values of different sources');
    const terms = [first, ...rest];
    if (
      terms.some(
        (t) =>
          t.transposed ||
          t.axes.length !== first.axes.length ||
          t.axes.some((a, i) => !sameAxis(a, first.axes[i] ?? a)),
      )
    )
      return skip('joins windows of unlike geometry');
    const joined = rest.length === 0 ? first : (stacked(terms) ?? grouped(terms));
    if (!joined) return skip('joins windows whose channels are neither the same nor equal neighbours');
    return crossed(joinForms(forms, joined), { node });
  },
);

function joinForms(forms: readonly Form[], term: Term): Form {
  const biased = forms.some((f) => f.bias);
  const join = (pick: (f: Form) => Float64Array | undefined) => (): Float64Array =>
    Float64Array.from(forms.flatMap((f) => Array.from(pick(f) ?? new Float64Array(f.outputs))));
  return {
    terms: [term],
    outputs: term.outputs,
    layout: 'first',
    type: forms.find((f) => f.type)?.type,
    bias: biased ? { values: join((f) => f.bias?.values()), magnitudes: join((f) => f.bias?.magnitudes()) } : undefined,
    nodes: new Set(forms.flatMap((f) => [...f.nodes])),
    macs: forms.reduce((n, f) => n + f.macs, 0),
    params: forms.reduce((n, f) => n + f.params, 0),
    stacked: Math.max(...forms.map((f) => f.stacked)),
  };
}

const total = (terms: readonly Term[], of: (t: Term) => number): number => terms.reduce((n, t) => n + of(t), 0);
const joinedKernel = (terms: readonly Term[]) => (): Float64Array => {
  const parts = terms.map((t) => t.kernel());
  const out = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

/** Dense kernels on the same channels, one above the other. */
function stacked(terms: readonly Term[]): Term | undefined {
  const [first] = terms;
  if (!first || terms.some((t) => t.groups !== 1 || !sameSource(t, first))) return undefined;
  return { ...first, identity: false, outputs: total(terms, (t) => t.outputs), kernel: joinedKernel(terms) };
}

/** Kernels of one size on neighbouring channels, in order: one grouped convolution. */
function grouped(terms: readonly Term[]): Term | undefined {
  const [first] = terms;
  if (!first) return undefined;
  const alike = terms.every(
    (t, i) =>
      t.inputs === first.inputs &&
      t.outputs === first.outputs &&
      t.groups === first.groups &&
      t.from === first.from + i * first.inputs,
  );
  if (!alike) return undefined;
  const n = terms.length;
  return {
    ...first,
    identity: terms.every((t) => t.identity),
    inputs: n * first.inputs,
    outputs: n * first.outputs,
    groups: n * first.groups,
    convolution: terms.find((t) => t.convolution)?.convolution,
    kernel: joinedKernel(terms),
  };
}

/** The mean over an axis that a stack made: torch.stack([a, b, c]).mean(0) is Unsqueeze each, Concat, ReduceMean. */
export const liftStackMean = lift([ReduceMean, ReduceMean1], 'the mean of a stack of values', (node, at) => {
  const stack = node.inputs[0]?.producer;
  if (!stack?.is(Concat) || node.attr.keepdims !== 0) return absent('no mean of a stack');
  const axes = reduceAxes(node);
  const rank = node.inputs[0]?.type?.kind === 'tensor' ? node.inputs[0].type.shape?.length : undefined;
  const axis = stack.attr.axis < 0 ? stack.attr.axis + (rank ?? 0) : stack.attr.axis;
  if (axes?.length !== 1 || axes[0] !== axis) return absent('no mean of a stack');
  const parts = stack.in.xs.map((v) => v.producer);
  const inner: Value[] = [];
  for (const [i, part] of parts.entries()) {
    const made = stack.in.xs[i];
    const x = part?.inputs[0];
    if (!part || !x || !(part.is(Unsqueeze) || part.is(Unsqueeze1)) || unsqueezeAxes(part)?.join() !== String(axis))
      return absent('no mean of a stack');
    if (made?.uses.size !== 1 || made.outputCount > 0) return skip('the stack is used elsewhere');
    inner.push(x);
  }
  if (node.inputs[0]?.uses.size !== 1 || node.inputs[0].outputCount > 0) return skip('the stack is used elsewhere');
  const form = sumOf(
    node,
    inner.map((value) => ({ value, factor: 1 / inner.length })),
    at,
  );
  if (isSkip(form)) return form;
  return [stack, ...parts.flatMap((p) => p ?? [])].reduce((f, n) => crossed(f, { node: n }), form);
});
