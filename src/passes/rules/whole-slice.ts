import { Slice, Slice1, sliceParams } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { sameShape } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const wholeSlice = rule({
  name: 'whole-slice',
  doc: 'Slice(x) of everything -> x',
  root: [Slice, Slice1],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!sameShape(shapeOf(x), shapeOf(y))) return absent('takes a part, or the shape is not known');
    const params = sliceParams(node);
    if (!params) return skip('its ranges are computed');
    if (params.steps.some((s) => s < 0)) return absent('reverses');
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
