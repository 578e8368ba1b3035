import { Cast } from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { dtypeOfCode } from '../../tensor/dtype.js';
import { absent, rule } from '../rule.js';

export const sameTypeCast = rule({
  name: 'same-type-cast',
  doc: 'Cast(x) -> x, where x has that type already',
  root: Cast,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (dtypeOf(x) === 'undefined' || dtypeOf(x) !== dtypeOfCode(node.attr.to))
      return absent('to another type, or from one that is not known');
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
