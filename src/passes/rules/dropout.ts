import { constantOf, Dropout, Dropout10, Dropout7 } from '../../ops/index.js';
import { isFilledWith } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const dropout = rule({
  name: 'dropout',
  doc: 'Dropout(x) -> x, at inference',
  root: [Dropout, Dropout10, Dropout7],
  apply(node, edit) {
    const { x } = node.in;
    const { y, mask } = node.out;
    const training = node.is(Dropout) ? node.in.training_mode : undefined;
    if (training && !constantOf(training)) return skip('whether it trains is computed');
    if (training && !isFilledWith(constantOf(training), 0)) return skip('training mode');
    if (mask && (mask.uses.size > 0 || mask.outputCount > 0)) return skip('its mask is used');
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
