import type { Value } from '../../graph/ir.js';
import { constantOf, Reshape, squeezeAxes, unsqueezeAxes } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { constantInts } from '../../graph/infer-node.js';
import { int64Tensor } from '../../tensor/tensor.js';
import { sameShape, usedOnce, VIEWS } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** The shape operand of a Reshape that copies no size of its input: it may stand on any other view of the same elements. */
function ownShape(value: Value | undefined): Value | undefined {
  const held = constantOf(value);
  const sizes = held && constantInts(held);
  return sizes && !sizes.includes(0) ? value : undefined;
}

export const viewChain = rule({
  name: 'view-chain',
  doc: 'Reshape, Flatten, Squeeze or Unsqueeze of another of them -> one Reshape, or nothing',
  root: VIEWS,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const inner = x.producer;
    const source = inner?.inputs[0];
    if (!inner || !source || !VIEWS.some((op) => inner.is(op))) return notApplicable('not-a-chain');
    const added = unsqueezeAxes(inner);
    const undoes = added !== undefined && squeezeAxes(node)?.join() === added.join();
    if ((undoes || sameShape(shapeOf(source), shapeOf(y))) && edit.canReplaceUses(y, source)) {
      edit.replaceUses(y, source);
      return;
    }
    if (!usedOnce(x)) return skip('used-elsewhere');
    const given = node.is(Reshape) ? ownShape(node.in.shape) : undefined;
    if (given) {
      edit.replace(node, Reshape, { x: source, shape: given }, {}, { attrsFrom: node });
      return;
    }
    const shape = shapeOf(y);
    if (!shape || shape.filter((d) => typeof d !== 'number').length > 1) return skip('sizes-unknown');
    if (shape.includes(0)) return skip('empty');
    if ((node.opset ?? 0) < 5) return notApplicable('no-reshape');
    const sizes = shape.map((d) => (typeof d === 'number' ? d : -1));
    const operand = edit.constant(node.graph, int64Tensor([sizes.length], sizes), `${y.name}_shape`);
    edit.replace(node, Reshape, { x: source, shape: operand });
  },
});
