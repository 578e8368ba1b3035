import type { Value } from '../../graph/ir.js';
import { shapeOf } from '../../ops/tensors.js';
import { isSkip, type Skip, skip } from '../rule.js';
import { type Axis, align, UNIT } from './axis.js';
import { inGroups, tapsOf, type Term, weightCount } from './form.js';
import { addInto, composedGroups, embed } from './kernel.js';

/** The lengths of a source's spatial axes, where they are known. */
export function lengthsOf(source: Value): readonly (number | undefined)[] {
  return (
    shapeOf(source)
      ?.slice(2)
      .map((d) => (typeof d === 'number' ? d : undefined)) ?? []
  );
}

/** The sum of two windows on one source as one window. A reason when they do not align. */
export function sumTerms(a: Term, b: Term): Term | Skip {
  const groups = composedGroups(a, b);
  const base = {
    ...a,
    groups,
    identity: false,
    convolution: widest(a, b).convolution ?? a.convolution ?? b.convolution,
  };
  if (a.transposed || b.transposed) {
    if (a.transposed?.key !== b.transposed?.key) return skip('transposed-geometry');
    return { ...base, kernel: () => addInto(inGroups(a, groups), inGroups(b, groups)) };
  }
  const axes = commonAxes([a, b]);
  if (isSkip(axes)) return axes;
  const kernel = (): Float64Array => addInto(placedIn(axes, a, groups), placedIn(axes, b, groups));
  return { ...base, axes, kernel };
}

/**
 * The smallest window that holds those of all terms, which are of one rank and source. `equal`: the operator above them says that they have equally
 * many outputs. A reason when there is none.
 */
export function commonAxes([first, ...rest]: readonly Term[], equal = false): readonly Axis[] | Skip {
  const lengths = first ? alignedBy(first, equal) : [];
  const axes: Axis[] = [];
  for (const [i, start] of (first?.axes ?? []).entries()) {
    let axis = start;
    for (const term of rest) {
      const aligned = align(axis, term.axes[i] ?? UNIT, lengths[i]);
      if (isSkip(aligned)) return aligned;
      axis = aligned.axis;
    }
    axes.push(axis);
  }
  return axes;
}

/** A term's kernel in fewer groups, and in a window that holds its own; always a fresh array. */
export function placedIn(axes: readonly Axis[], term: Term, groups: number, equal = false): Float64Array {
  const lengths = alignedBy(term, equal);
  const aligned = axes.map((axis, i) => align(axis, term.axes[i] ?? UNIT, lengths[i]));
  const places = aligned.flatMap((x) => (isSkip(x) ? [] : [x]));
  return embed(
    inGroups(term, groups),
    tapsOf(term),
    axes.map((a) => a.taps),
    places.map((x) => x.starts[1]),
    places.map((x) => x.steps[1]),
  );
}

const alignedBy = (term: Term, equal: boolean): readonly (number | 'equal' | undefined)[] =>
  equal ? term.axes.map(() => 'equal' as const) : lengthsOf(term.source);

const widest = (a: Term, b: Term): Term => (weightCount(b) > weightCount(a) ? b : a);
