import { constantOf, Dropout, Dropout10, Dropout7 } from '../../ops/index.js';
import { isFilledWith } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const dropout = rule({
  name: 'dropout',
  doc: 'Dropout(x) -> x, at inference',
  root: [Dropout, Dropout10, Dropout7],
  apply(node, edit) {
    const { x } = node.in;
    const { y, mask } = node.out;
    const training = node.is(Dropout) ? node.in.training_mode : undefined;
    if (training && !constantOf(training)) return skip('mode-computed');
    if (training && !isFilledWith(constantOf(training), 0)) return skip('training-mode');
    if (mask && (mask.uses.size > 0 || mask.outputCount > 0)) return skip('mask-used');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
