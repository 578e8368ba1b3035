import { Identity } from '../../ops/index.js';
import { notApplicable, rule } from '../rule.js';

export const identity = rule({
  name: 'identity',
  doc: 'Identity(x) -> x',
  root: Identity,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
