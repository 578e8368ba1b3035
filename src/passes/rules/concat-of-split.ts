import { Concat, Split, Split13, Split2 } from '../../ops/index.js';
import { rankOf } from '../../ops/tensors.js';
import { notApplicable, rule, skip } from '../rule.js';

export const concatOfSplit = rule({
  name: 'concat-of-split',
  doc: 'Concat(Split(x)) of all parts in their order, on the same axis -> x',
  root: Concat,
  apply(node, edit) {
    const { xs } = node.in;
    const { y } = node.out;
    const split = xs[0]?.producer;
    if (!split?.is(Split) && !split?.is(Split13) && !split?.is(Split2)) return notApplicable('not-after-split');
    const { x } = split.in;
    const rank = rankOf(x);
    if (rank === undefined) return skip('rank-unknown');
    const axisOf = (axis: number): number => (axis < 0 ? axis + rank : axis);
    if (axisOf(node.attr.axis) !== axisOf(split.attr.axis)) return skip('joins-other-axis');
    if (xs.length !== split.outputs.length || xs.some((v, i) => v !== split.outputs[i])) return skip('joins-some');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
