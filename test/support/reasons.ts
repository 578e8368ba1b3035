import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { type Reason, REASONS } from '../../src/passes/reasons.js';
import { isSkip } from '../../src/passes/rule.js';
import { type Choices, type Lift, Lifting } from '../../src/passes/affine/lift.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { planOf } from '../../src/passes/affine/plan.js';

const CHOICES: readonly Choices[] = [
  { stacked: 4, sum: 'always', parts: true, shared: true },
  { stacked: 0, sum: 'cheap', parts: false, shared: false },
];

export interface Given {
  /** How often each lift gave a form. */
  readonly lifted: Map<string, number>;
  /** How often each reason was given: by a lift, by what it met below, or by the plan. */
  readonly reasons: Map<Reason, number>;
}

/** Applies every lift to every node as the merge does, and counts what comes of it. Changes nothing. */
export function liftAll(model: Model, given: Given = { lifted: new Map(), reasons: new Map() }): Given {
  const count = <K>(counts: Map<K, number>, key: K): void => {
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

/** The text of all files of a kind in a folder. */
export function sources(folder: string, ending: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith(ending));
  return files.map((f) => readFileSync(join(folder, f), 'utf8')).join('\n');
}

/** Reasons that a well-formed graph cannot give: they stand where the types want an answer. */
const UNREACHABLE: ReadonlySet<Reason> = new Set<Reason>([
  'function-body',
  'other-operator',
  'joins-nothing',
  'no-input',
  'no-output',
  'no-weights',
  'not-linear',
]);

/** Every reason that a file below `folder` of `src/passes` names, but for those that no graph gives. */
export function reasonsInSources(folder = 'affine'): readonly Reason[] {
  const code = sources(fileURLToPath(new URL(`../../src/passes/${folder}`, import.meta.url)), '.ts');
  const reasons = Object.keys(REASONS).filter((key): key is Reason => key in REASONS);
  return reasons.filter((r) => code.includes(`'${r}'`) && !UNREACHABLE.has(r)).sort();
}
