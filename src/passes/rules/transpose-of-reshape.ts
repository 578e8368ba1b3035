import type { Shape } from '../../graph/types.js';
import { permOf, Reshape, Transpose } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { int64Tensor } from '../../tensor/tensor.js';
import { holdsInitializers, producer, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';
import { expanded, groupsOf } from '../transposes/groups.js';
import { composed, inverse, type Permutation } from '../transposes/permutation.js';

/** One order instead of two with a Reshape between them: the Reshape comes first where it splits axes, last where it joins them. */
function met(first: Permutation, second: Permutation, from: Shape, to: Shape) {
  const splits = groupsOf(from, to);
  if (splits)
    return {
      sizes: inverse(first).flatMap((i) => splits[i] ?? []),
      perm: composed(expanded(first, splits), second),
      isFirst: true,
    };
  const joins = groupsOf(to, from);
  if (!joins) return undefined;
  const turned = second.map((axis) => joins[axis] ?? []);
  return { sizes: second.map((axis) => to[axis]), perm: composed(first, expanded(second, turned)), isFirst: false };
}

export const transposeOfReshape = rule({
  name: 'transpose-of-reshape',
  doc: 'Transpose(Reshape(Transpose(x, p)), q) -> Transpose(Reshape(x), r) or Reshape(Transpose(x, r)), where the Reshape splits axes or joins them',
  root: Transpose,
  apply(node, edit) {
    const view = producer(node.in.x, Reshape);
    const turned = view && producer(view.in.x, Transpose);
    const [first, second] = [turned && permOf(turned), permOf(node)];
    if (!view || !turned || !first || !second) return notApplicable('not-after-transpose');
    const [from, to] = [shapeOf(turned.out.y), shapeOf(view.out.y)];
    const form = from && to && met(first, second, from, to);
    if (!form) return skip('view-mixes-axes');
    if (!usedOnce(turned.out.y) || !usedOnce(view.out.y)) return skip('used-elsewhere');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    const shape = form.sizes.map((d) => (typeof d === 'number' ? d : -1));
    // Groups have one open size at most, and none of 0.
    const operand = edit.constant(node.graph, int64Tensor([shape.length], shape), `${view.out.y.name}_shape`);
    const at = { before: node };
    if (form.isFirst) {
      const below = edit.add(node.graph, Reshape, { x: turned.in.x, shape: operand }, {}, { ...at, name: view.name });
      edit.replace(node, Transpose, { x: below.out.y }, { perm: [...form.perm] });
    } else {
      const below = edit.add(
        node.graph,
        Transpose,
        { x: turned.in.x },
        { perm: [...form.perm] },
        { ...at, name: turned.name },
      );
      edit.replace(node, Reshape, { x: below.out.y, shape: operand }, {}, { name: view.name });
    }
  },
});
