import { Slice, Slice1, sliceParams } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { sameShape } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const wholeSlice = rule({
  name: 'whole-slice',
  doc: 'Slice(x) of everything -> x',
  root: [Slice, Slice1],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!sameShape(shapeOf(x), shapeOf(y))) return notApplicable('takes-part');
    const params = sliceParams(node);
    if (!params) return skip('range-computed');
    if (params.steps.some((s) => s < 0)) return notApplicable('reverses');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
