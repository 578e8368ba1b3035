import type { Node } from '../../../graph/ir.js';
import { Pad, Pad2, padding } from '../../../ops/index.js';
import { rankOf } from '../../../ops/tensors.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { shiftAxis } from '../axis.js';
import { type Form, identityForm } from '../form.js';
import type { Lift } from '../lift.js';
import { moved } from '../lifts/pad.js';
import { type Absorbed, absorbAssumed } from './absorb.js';
import type { Way } from './search.js';

/** Users that are all asked to pad for themselves. */
const MAX_USERS = 16;

/** A Pad with zeros that several convolutions read: each of them pads for itself. One alone is the merge's work. */
export function sharedPad(node: Node, lifts: ReadonlyMap<string, Lift>): Way | Skip {
  const p = node.is(Pad) || node.is(Pad2) ? padding(node) : undefined;
  const [x, y] = [node.inputs[0], node.outputs[0]];
  const rank = rankOf(x);
  if (!p || !x || !y || y.uses.size < 2) return notApplicable('no-absorber');
  if (p.mode !== 'constant') return skip('pad-mode');
  if (p.value !== 0) return skip('pad-value');
  if (rank === undefined || rank !== p.begin.length) return skip('rank-unknown');
  if ([...p.begin.slice(0, 2), ...p.end.slice(0, 2)].some((n) => n !== 0)) return skip('pad-channels');
  if (y.outputCount > 0) return skip('graph-output');
  if (y.uses.size > MAX_USERS) return skip('used-elsewhere');
  const axes = p.begin.slice(2).map((b, i) => shiftAxis(b, p.end[i + 2] ?? 0));
  // A product on the last axis has no window that could do the padding.
  const map = (itself: Form): Form | Skip =>
    itself.layout === 'last'
      ? notApplicable('channels-last')
      : moved(identityForm(x, itself.outputs, axes.length, 'first'), axes);
  const absorbed: Absorbed[] = [];
  for (const [user, count] of y.uses) {
    if (user.graph !== y.graph) return skip('captured');
    const one = count === 1 ? absorbAssumed(user, { value: y, map }, lifts) : notApplicable('no-absorber');
    if (isSkip(one)) return one.quiet ? skip('user-no-absorber') : one;
    absorbed.push(one);
  }
  return { absorbed, rescaled: [], taken: [] };
}
