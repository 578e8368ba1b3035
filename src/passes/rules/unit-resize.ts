import type { Node } from '../../graph/ir.js';
import { constantOf, Resize, Resize10, Upsample7, Upsample9 } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { isFilledWith, sameShape } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** Whether every axis keeps its size, exactly: a scale of 1.01 may give as many elements and yet others. */
function keepsSizes(node: Node): boolean {
  if (node.is(Upsample7)) return node.attr.scales.every((s) => s === 1);
  if (node.is(Resize) && node.in.sizes) return sameShape(shapeOf(node.in.x), shapeOf(node.out.y));
  return isFilledWith(constantOf(node.inputs[node.is(Resize) ? 2 : 1]), 1);
}

export const unitResize = rule({
  name: 'unit-resize',
  doc: 'Resize(x), Upsample(x) by 1 -> x',
  root: [Resize, Resize10, Upsample7, Upsample9],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    if (!keepsSizes(node)) return notApplicable('resizes');
    if (node.is(Resize) && node.attr.coordinate_transformation_mode === 'tf_crop_and_resize')
      return skip('takes-region');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
