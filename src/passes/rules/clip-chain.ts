import type { Node, Value } from '../../graph/ir.js';
import { type Bounds, Clip, Clip6, clipBounds, Relu, scalarOf, Sigmoid } from '../../ops/index.js';
import { dtypeOf, shapeOf } from '../../ops/tensors.js';
import { fromFloat64 } from '../../tensor/tensor.js';
import { usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** The range that a node clamps its input to. */
const rangeOf = (node: Node): Bounds | undefined =>
  node.is(Relu) ? { min: 0, max: Number.POSITIVE_INFINITY } : clipBounds(node);

export const clipChain = rule({
  name: 'clip-chain',
  doc: 'Relu or Clip of a Relu, Clip or Sigmoid -> one Clip, or nothing where the first decides alone',
  root: [Relu, Clip, Clip6],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const below = x.producer;
    if (!below) return notApplicable('not-clamped');
    const [inner, outer] = [below.is(Sigmoid) ? { min: 0, max: 1 } : rangeOf(below), rangeOf(node)];
    if (!inner || !outer) return notApplicable('clamp-computed');
    const [min, max] = [Math.max(inner.min, outer.min), Math.min(inner.max, outer.max)];
    if (!(min <= max && inner.min <= inner.max && outer.min <= outer.max)) return skip('ranges-apart');
    if (min === inner.min && max === inner.max && edit.canReplaceUses(y, x)) {
      edit.replaceUses(y, x);
      return;
    }
    const source = below.inputs[0];
    if (!source || below.is(Sigmoid)) return notApplicable('clamp-decides');
    if (!usedOnce(x)) return skip('used-elsewhere');
    const dtype = dtypeOf(x);
    if (dtype !== 'float32' && dtype !== 'float64' && dtype !== 'float16') return skip('type-unknown');
    if ((node.opset ?? 0) < 11) {
      edit.replace(node, Clip6, { x: source }, { min, max });
      return;
    }
    const bound = (value: number, slot: number, hint: string): Value | undefined => {
      if (!Number.isFinite(value)) return undefined;
      const given = [node.inputs[slot], below.inputs[slot]].find(
        (v) => scalarOf(v) === value && shapeOf(v)?.length === 0,
      );
      return given ?? edit.constant(node.graph, fromFloat64(dtype, [], Float64Array.of(value)), `${y.name}_${hint}`);
    };
    edit.replace(node, Clip, { x: source, min: bound(min, 1, 'min'), max: bound(max, 2, 'max') });
  },
});
