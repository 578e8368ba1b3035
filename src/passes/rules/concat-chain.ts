import { Concat } from '../../ops/index.js';
import { rankOf } from '../../ops/tensors.js';
import { producer, usedOnlyBy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** Inputs that a Concat may come to have: more are no chain that anybody wrote, and joining them one by one would be quadratic. */
const MAX_INPUTS = 256;

export const concatChain = rule({
  name: 'concat-chain',
  doc: 'Concat(a, Concat(b, c), d) on one axis -> Concat(a, b, c, d)',
  root: Concat,
  apply(node, edit) {
    const { xs } = node.in;
    const inner = xs.map((x) => producer(x, Concat)).find((c) => c !== undefined);
    if (!inner) return notApplicable('not-a-chain');
    const rank = rankOf(inner.out.y);
    if (rank === undefined) return skip('rank-unknown');
    const axisOf = (axis: number): number => (axis < 0 ? axis + rank : axis);
    if (axisOf(node.attr.axis) !== axisOf(inner.attr.axis)) return skip('joins-other-axis');
    if (!usedOnlyBy(inner.out.y, node)) return skip('used-elsewhere');
    const joined = xs.flatMap((x) => (x === inner.out.y ? inner.in.xs : [x]));
    if (joined.length > MAX_INPUTS) return skip('many-inputs');
    edit.replace(node, Concat, { xs: joined }, {}, { attrsFrom: node });
  },
});
