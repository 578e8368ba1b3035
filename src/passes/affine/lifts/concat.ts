import { Concat, constantOf } from '../../../ops/index.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { sameAxis } from '../axis.js';
import { crossed, type Form, sameSource, type Term, weightCount } from '../form.js';
import { commonAxes, placedIn } from '../sum.js';
import { lift } from '../lift.js';

/** Stacks output channels: of windows on one source, or of windows on neighbouring channels of one source, which makes groups. */
export const liftConcat = lift(
  Concat,
  '[Conv(x, v), Conv(x, w)] -> Conv(x, [v, w]); of neighbouring channel groups of x: one grouped convolution',
  (node, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const rank = node.in.xs[0]?.type?.kind === 'tensor' ? node.in.xs[0].type.shape?.length : undefined;
    if (node.attr.axis !== 1 && !(rank !== undefined && node.attr.axis + rank === 1))
      return notApplicable('joins-other-axis');
    if (node.in.xs.some((v) => constantOf(v))) return notApplicable('joins-constant');
    const forms: Form[] = [];
    for (const value of node.in.xs) {
      const form = at.operand(value);
      if (isSkip(form)) return form;
      if (form.terms.length !== 1) return skip('joins-sums');
      forms.push(form);
    }
    const [first, ...rest] = forms.flatMap((f) => f.terms);
    if (!first) return notApplicable('joins-nothing');
    if (rest.some((t) => t.source !== first.source)) return notApplicable('joins-sources');
    const terms = [first, ...rest];
    const term = rest.length === 0 ? first : (grouped(terms) ?? stacked(terms));
    if (isSkip(term)) return term;
    if (weightCount(term) > total(terms, weightCount)) {
      at.met.sum = true;
      if (at.choices.sum === 'cheap') return skip('joined-costs-more');
    }
    return crossed(joinForms(forms, term), { node });
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
    path: { below: forms.map((f) => f.path) },
    macs: forms.reduce((n, f) => n + f.macs, 0),
    params: forms.reduce((n, f) => n + f.params, 0),
    stacked: forms.reduce((most, f) => Math.max(most, f.stacked), 0),
  };
}

const total = (terms: readonly Term[], of: (t: Term) => number): number => terms.reduce((n, t) => n + of(t), 0);
const joined = (kernels: readonly (() => Float64Array)[]) => (): Float64Array => {
  const parts = kernels.map((kernel) => kernel());
  const out = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

/** Kernels on the same channels, one above the other, in the smallest window that holds each. A reason when they do not go together. */
function stacked(terms: readonly Term[]): Term | Skip {
  const [first] = terms;
  if (!first || terms.some((t) => !sameSource(t, first))) return skip('joins-unlike-channels');
  if (terms.some((t) => t.transposed || t.axes.length !== first.axes.length)) return skip('joins-unlike-geometry');
  // Concat has inputs of one size only.
  const axes = commonAxes(terms, true);
  if (isSkip(axes)) return axes;
  return {
    ...first,
    axes,
    groups: 1,
    identity: false,
    outputs: total(terms, (t) => t.outputs),
    convolution: terms.find((t) => t.convolution)?.convolution,
    kernel: joined(terms.map((t) => () => placedIn(axes, t, 1, true))),
  };
}

/** Kernels of one size on neighbouring channels, in order: one grouped convolution. */
function grouped(terms: readonly Term[]): Term | undefined {
  const [first] = terms;
  if (!first) return undefined;
  const alike = terms.every(
    (t, i) =>
      !t.transposed &&
      t.axes.length === first.axes.length &&
      t.axes.every((a, k) => sameAxis(a, first.axes[k] ?? a)) &&
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
    kernel: joined(terms.map((t) => t.kernel)),
  };
}
