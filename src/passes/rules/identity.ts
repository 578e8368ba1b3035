import { Identity } from '../../ops/index.js';
import { absent, rule } from '../rule.js';

export const identity = rule({
  name: 'identity',
  doc: 'Identity(x) -> x',
  root: Identity,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
