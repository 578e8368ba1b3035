import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { isSkip } from '../../src/passes/rule.js';
import { type Choices, type Lift, Lifting } from '../../src/passes/affine/lift.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { planOf } from '../../src/passes/affine/plan.js';

const CHOICES: readonly Choices[] = [
  { stacked: 4, sum: 'always', parts: true },
  { stacked: 0, sum: 'cheap', parts: false },
];

export interface Given {
  /** How often each lift gave a form. */
  readonly lifted: Map<string, number>;
  /** How often each reason was given: by a lift, by what it met below, or by the plan. */
  readonly reasons: Map<string, number>;
}

/** Applies every lift to every node as the merge does, and counts what comes of it. Changes nothing. */
export function liftAll(model: Model, given: Given = { lifted: new Map(), reasons: new Map() }): Given {
  const count = (counts: Map<string, number>, key: string): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const counting = (l: Lift): Lift => ({
    ...l,
    apply(node, at, output) {
      const form = l.apply(node, at, output);
      if (isSkip(form)) count(given.reasons, form.skip);
      else count(given.lifted, l.name);
      return form;
    },
  });
  const lifts = new Map(LIFTS.map((l) => [l.roots[0]?.name ?? l.name, counting(l)]));
  for (const node of everyNode(model)) {
    for (const layout of ['first', 'last'] as const) {
      for (const choices of CHOICES) {
        const at = new Lifting(lifts, choices, layout);
        const output = node.outputs[0];
        if (!output) continue;
        const form = at.of(node, output);
        for (const note of at.notes) count(given.reasons, note.reason);
        const plan = isSkip(form) ? form : planOf(form, node);
        if (isSkip(plan)) count(given.reasons, plan.skip);
      }
    }
  }
  return given;
}
