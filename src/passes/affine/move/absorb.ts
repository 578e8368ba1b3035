import type { Node, Value } from '../../../graph/ir.js';
import { rankOf } from '../../../ops/tensors.js';
import { usedOnce } from '../../match.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { type Form, scale, shift } from '../form.js';
import { type Assumed, type Choices, type Lift, Lifting } from '../lift.js';
import { costs } from '../cost.js';
import { outlineOf, type Plan } from '../plan.js';
import { type Affine, affineNode } from './affine.js';
import { vectorAlong } from './grid.js';

/** A node that is written anew with an affine map in its weights. */
export interface Absorbed {
  readonly root: Node;
  readonly plan: Plan;
}

/** Only what stands next to a convolution is merged on the way; the rest is the merge's own work. */
const CHOICES: Choices = { stacked: 0, sum: 'cheap', parts: false, shared: false };
const MAX_DEPTH = 8;

/** Affine nodes that follow a product and are merged with it: its bias, a scale. */
const MAX_FOLLOWING = 4;

/** A form with an affine map on top; the grid has to be one number for each of its channels. */
function mappedBy(affine: Affine, form: Form, rank: number): Form | Skip {
  const axis = form.layout === 'first' ? 1 : rank - 1;
  const factor = vectorAlong(affine.scale, axis, form.outputs);
  const moved = vectorAlong(affine.shift, axis, form.outputs);
  if (!factor || !moved) return skip('not-per-channel-here');
  const scaled = factor.every((f) => f === 1) ? form : scale(form, factor);
  return moved.every((m) => m === 0) ? scaled : shift(scaled, moved);
}

/** The plan for a form all of whose terms are convolutions or products. */
function planFor(form: Form | Skip, root: Node): Absorbed | Skip {
  if (isSkip(form)) return form;
  if (form.terms.some((t) => t.identity || !t.convolution)) return notApplicable('no-absorber');
  const plan = outlineOf(form, root);
  if (isSkip(plan)) return plan;
  return costs(plan) ?? { root, plan };
}

/** `value` with an affine map on it, from weights that make it so. */
export function absorbAbove(value: Value, affine: Affine, lifts: ReadonlyMap<string, Lift>): Absorbed | Skip {
  const root = value.producer;
  const rank = rankOf(value);
  if (!root || rank === undefined || !lifts.has(root.opType)) return notApplicable('no-absorber');
  if (root.outputs.slice(1).some((v) => v !== undefined)) return notApplicable('several-outputs');
  return eitherLayout((layout) => {
    const form = new Lifting(lifts, CHOICES, layout, { maxDepth: MAX_DEPTH }).of(root, value);
    return planFor(isSkip(form) ? form : mappedBy(affine, form, rank), root);
  });
}

/** What `user` makes of `value` with an affine map on it, from weights that make it so without the map. */
export function absorbBelow(
  user: Node,
  { value, affine }: { readonly value: Value; readonly affine: Affine },
  lifts: ReadonlyMap<string, Lift>,
): Absorbed | Skip {
  const rank = rankOf(value);
  if (rank === undefined) return notApplicable('rank-unknown');
  return absorbAssumed(user, { value, map: (itself) => mappedBy(affine, itself, rank) }, lifts);
}

/** What `user` makes of a value, from weights that do the work of what is assumed of the value. */
export function absorbAssumed(user: Node, assumed: Assumed, lifts: ReadonlyMap<string, Lift>): Absorbed | Skip {
  if (!lifts.has(user.opType)) return notApplicable('no-absorber');
  const roots = [user];
  for (let next = following(user); next && roots.length <= MAX_FOLLOWING; next = following(next)) roots.unshift(next);
  return eitherLayout((layout) => {
    let why: Skip | undefined;
    for (const root of roots) {
      const [output] = root.outputs;
      if (!output) continue;
      const form = new Lifting(lifts, CHOICES, layout, { maxDepth: MAX_DEPTH, assumed }).of(root, output);
      const found = planFor(form, root);
      if (!isSkip(found)) return found;
      why = found;
    }
    return why ?? notApplicable('no-output');
  });
}

/** The affine node that alone uses what a node makes. */
function following(node: Node): Node | undefined {
  const [output, ...more] = node.outputs;
  if (!output || more.some((v) => v !== undefined) || !usedOnce(output)) return undefined;
  const [next] = output.uses.keys();
  return next && !isSkip(affineNode(next)) ? next : undefined;
}

/** The channels are on axis 1 for a convolution, on the last for a product. */
function eitherLayout(attempt: (layout: 'first' | 'last') => Absorbed | Skip): Absorbed | Skip {
  const first = attempt('first');
  if (!isSkip(first)) return first;
  const last = attempt('last');
  return isSkip(last) && (last.quiet || !first.quiet) ? first : last;
}
