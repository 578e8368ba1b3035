import type { Node } from '../../graph/ir.js';
import { Abs, type Bounds, Clip, Clip6, clipBounds, LeakyRelu, PRelu, Relu } from '../../ops/index.js';
import { rangeOf } from '../ranges.js';
import { notApplicable, rule } from '../rule.js';

/** Where a node gives its input as it is. */
const identityOn = (node: Node): Bounds | undefined =>
  node.is(Clip) || node.is(Clip6) ? clipBounds(node) : { min: 0, max: Number.POSITIVE_INFINITY };

export const clampInRange = rule({
  name: 'clamp-in-range',
  doc: 'Relu(x), Abs(x), LeakyRelu(x), PRelu(x) with x >= 0 -> x; Clip(x, a, b) with a <= x <= b -> x',
  root: [Relu, Clip, Clip6, Abs, LeakyRelu, PRelu],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const kept = identityOn(node);
    if (!kept) return notApplicable('clamp-computed');
    const range = rangeOf(x);
    if (range.min < kept.min || range.max > kept.max) return notApplicable('may-bind');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
