import { constantOf, Dropout, Dropout10, Dropout7 } from '../../ops/index.js';
import { isFilledWith } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const dropout = rule({
  name: 'dropout',
  doc: 'Dropout(x) -> x, at inference, or with a ratio of 0',
  root: [Dropout, Dropout10, Dropout7],
  apply(node, edit) {
    const { x } = node.in;
    const { y, mask } = node.out;
    const training = node.is(Dropout) ? constantOf(node.in.training_mode) : undefined;
    const isOff = !node.is(Dropout) || !node.in.training_mode || isFilledWith(training, 0);
    const keepsAll = node.is(Dropout) && isFilledWith(constantOf(node.in.ratio), 0);
    if (!isOff && !keepsAll && !training) return skip('mode-computed');
    if (!isOff && !keepsAll) return skip('dropout-trains');
    if (mask && (mask.uses.size > 0 || mask.outputCount > 0)) return skip('mask-used');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
