import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import { notApplicable, isSkip, type Rule, type Skip, skip } from '../rule.js';
import { type Form, nodesOf } from './form.js';
import { type Choices, type Lift, Lifting } from './lift.js';
import { LiftMemory } from './lift-memory.js';
import { prepare, write } from './lower.js';
import type { Prefer } from './cost.js';
import { type Plan, planOf } from './plan.js';
import type { MergedWeights } from './weights.js';

/** Forms to try for one root, the widest first: the first that is a gain is taken. */
const ATTEMPTS: readonly Choices[] = [
  { stacked: 4, sum: 'always', parts: true, shared: true },
  { stacked: 4, sum: 'cheap', parts: true, shared: true },
  { stacked: 4, sum: 'always', parts: true, shared: false },
  { stacked: 4, sum: 'cheap', parts: true, shared: false },
  { stacked: 4, sum: 'always', parts: false, shared: false },
  { stacked: 4, sum: 'cheap', parts: false, shared: false },
  { stacked: 1, sum: 'always', parts: true, shared: false },
  { stacked: 1, sum: 'cheap', parts: false, shared: false },
  { stacked: 0, sum: 'always', parts: true, shared: true },
  { stacked: 0, sum: 'always', parts: true, shared: false },
  { stacked: 0, sum: 'cheap', parts: true, shared: false },
  { stacked: 0, sum: 'always', parts: false, shared: false },
  { stacked: 0, sum: 'cheap', parts: false, shared: false },
];

/** The choices of an attempt that came up: another attempt with the same ones would end the same. */
const keyOf = (met: Readonly<Record<keyof Choices, boolean>>, choices: Choices): string =>
  [
    met.stacked && choices.stacked,
    met.sum && choices.sum,
    met.parts && choices.parts,
    met.shared && choices.shared,
  ].join();

/** What was merged, for the report: operators by name, as often as they went. */
export type Merged = Map<string, number>;

/**
 * The one rule of the algebra: the value that a linear operator makes is lifted to an affine form of the values that its linear region starts from,
 * and written out again as the fewest convolutions. Runs backwards over the graph, so that it meets the end of each region first.
 */
export function mergeLinear(
  lifts: readonly Lift[],
  {
    merged,
    weights,
    prefer,
  }: { readonly merged: Merged; readonly weights: MergedWeights; readonly prefer?: Prefer | undefined },
): Rule {
  const byOp = new Map<string, Lift>();
  for (const l of lifts) byOp.set(l.roots[0]?.name ?? l.name, l);
  const known: Known = { lifts: byOp, memory: new LiftMemory(), weights, prefer };
  return {
    name: 'merge-linear',
    doc: 'a region of linear operators -> the convolutions that it is the sum of',
    roots: lifts.flatMap((l) => l.roots),
    apply: (root, edit) => mergeAt(root, edit, known, merged),
    touched: (node) => known.memory.forget(node),
  };
}

interface Known {
  readonly lifts: ReadonlyMap<string, Lift>;
  readonly memory: LiftMemory;
  readonly weights: MergedWeights;
  readonly prefer: Prefer | undefined;
}

function mergeAt(root: Node, edit: Editor, known: Known, merged: Merged): Skip | undefined {
  const output = root.outputs[0];
  if (!output || root.outputs.slice(1).some((v) => v !== undefined)) return notApplicable('several-outputs');
  if (root.graph.root !== root.graph.model) return notApplicable('function-body');
  let why: Skip | undefined;
  for (const layout of ['first', 'last'] as const) {
    const found = best(root, known, layout);
    if (isSkip(found)) {
      if (!why || (why.quiet && !found.quiet)) why = found;
      continue;
    }
    const removed = [...found.removed].map((n) => n.opType);
    const prepared = prepare(found, root, known.weights);
    if (isSkip(prepared)) return prepared;
    write(prepared, edit);
    for (const op of removed) merged.set(op, (merged.get(op) ?? 0) + 1);
    return undefined;
  }
  return why ?? notApplicable('not-linear');
}

function best(root: Node, { lifts, memory, prefer }: Known, layout: Form['layout']): Plan | Skip {
  const output = root.outputs[0];
  if (!output) return notApplicable('no-output');
  let why: Skip | undefined;
  const tried = new Set<string>();
  let met = { stacked: true, sum: true, parts: true, shared: true };
  for (const choices of ATTEMPTS) {
    // An attempt that differs from an earlier one only in a choice that never came up would end the same.
    if (tried.has(keyOf(met, choices))) continue;
    const at = new Lifting(lifts, choices, layout, { memory: memory.of(`${layout} ${ATTEMPTS.indexOf(choices)}`) });
    const form = at.of(root, output);
    if (tried.size === 0) met = at.met;
    tried.add(keyOf(met, choices));
    const plan = isSkip(form) ? form : planOf(form, root, prefer);
    if (!isSkip(plan)) return anew(plan, root, output, { lifts, choices, prefer });
    // The widest attempt says best why nothing came of it; notes from below the root say more than 'nothing-to-merge'.
    const note = at.notes.at(-1);
    why ??= plan.quiet && note ? skip(note.reason) : plan;
  }
  return why ?? notApplicable('nothing-to-merge');
}

/** A plan again, from the graph as it is: what is remembered may be out of date. No deeper than the plan goes. */
function anew(
  plan: Plan,
  root: Node,
  output: Value,
  { lifts, choices, prefer }: Pick<Known, 'lifts' | 'prefer'> & { readonly choices: Choices },
): Plan | Skip {
  const maxDepth = nodesOf(plan.form.path).size;
  const form = new Lifting(lifts, choices, plan.form.layout, { maxDepth }).of(root, output);
  return isSkip(form) ? form : planOf(form, root, prefer);
}
