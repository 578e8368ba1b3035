import { constantInts } from '../../graph/infer-node.js';
import { constantOf, Gather } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { notApplicable, rule } from '../rule.js';

export const wholeGather = rule({
  name: 'whole-gather',
  doc: 'Gather(x, [0, 1, ..., n - 1]) on an axis of size n -> x',
  root: Gather,
  apply(node, edit) {
    const { x, indices } = node.in;
    const { y } = node.out;
    const held = constantOf(indices);
    if (!held) return notApplicable('indices-computed');
    const size = shapeOf(x)?.at(node.attr.axis);
    const places = constantInts(held);
    if (held.shape.length !== 1 || typeof size !== 'number' || places?.length !== size)
      return notApplicable('takes-part');
    if (places.some((p, i) => (p < 0 ? p + size : p) !== i)) return notApplicable('reorders');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
