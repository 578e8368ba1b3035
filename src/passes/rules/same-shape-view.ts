import { Expand, Flatten, Reshape, Squeeze, Squeeze1 } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { sameShape } from '../match.js';
import { notApplicable, rule } from '../rule.js';

export const sameShapeView = rule({
  name: 'same-shape-view',
  doc: 'Reshape, Flatten, Squeeze or Expand of x -> x, where x is proven to have that shape already',
  root: [Reshape, Flatten, Squeeze, Squeeze1, Expand],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!sameShape(shapeOf(x), shapeOf(y))) return notApplicable('shape-changes');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
