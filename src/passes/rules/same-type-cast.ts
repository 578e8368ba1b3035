import { Cast } from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { dtypeOfCode } from '../../tensor/dtype.js';
import { notApplicable, rule } from '../rule.js';

export const sameTypeCast = rule({
  name: 'same-type-cast',
  doc: 'Cast(x) -> x, where x has that type already',
  root: Cast,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (dtypeOf(x) === 'undefined' || dtypeOf(x) !== dtypeOfCode(node.attr.to)) return notApplicable('cast-changes');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
