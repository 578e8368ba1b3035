import type { Value } from '../../graph/ir.js';
import { Add, constantOf, Div, Mul, Sub } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { broadcastsInto, isFilledWith } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/**
 * Exact but for one thing: -0 + 0 is 0, and stays -0 without the Add. The two are equal as numbers, and only a division by the result (or
 * a look at its bits) can tell them apart; every other optimiser makes the same choice.
 */
export const neutralOperand = rule({
  name: 'neutral-operand',
  doc: 'x + 0, x - 0, x * 1, x / 1 -> x, where the constant does not broadcast x to another shape',
  root: [Add, Sub, Mul, Div],
  apply(node, edit) {
    const { a, b } = node.in;
    const { y } = node.out;
    const fill = node.opType === 'Add' || node.opType === 'Sub' ? 0 : 1;
    const neutral = (v: Value): boolean => isFilledWith(constantOf(v), fill);
    const commutes = node.opType === 'Add' || node.opType === 'Mul';
    const x = neutral(b) ? a : commutes && neutral(a) ? b : undefined;
    if (!x) return notApplicable('no-neutral-operand');
    if (!broadcastsInto(shapeOf(x === a ? b : a), shapeOf(x))) return skip('constant-shape');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
