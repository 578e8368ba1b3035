import { permOf, Reshape, Transpose } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { int64Tensor } from '../../tensor/tensor.js';
import { holdsInitializers, producer, usedOnce, VIEWS } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';
import { expanded, groupsOf } from '../transposes/groups.js';
import { inverse } from '../transposes/permutation.js';

export const reshapeOfTranspose = rule({
  name: 'reshape-of-transpose',
  doc: 'Reshape(Transpose(v(x), p)) with a view v -> Transpose(Reshape(x), q), where the second Reshape only splits axes (channel shuffles)',
  root: Reshape,
  apply(node, edit) {
    const turned = producer(node.in.x, Transpose);
    const perm = turned && permOf(turned);
    const view = turned?.in.x.producer;
    const source = view?.inputs[0];
    if (!turned || !perm) return notApplicable('not-after-transpose');
    if (!view || !source || !VIEWS.some((op) => view.is(op))) return notApplicable('not-a-view');
    const [from, to] = [shapeOf(turned.out.y), shapeOf(node.out.y)];
    const groups = from && to && groupsOf(from, to);
    if (!groups) return skip('view-joins');
    if (!usedOnce(turned.out.y) || !usedOnce(turned.in.x)) return skip('used-elsewhere');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    const sizes = inverse(perm).flatMap((i) => groups[i] ?? []);
    const shape = sizes.map((d) => (typeof d === 'number' ? d : -1));
    // Groups have one open size at most, and none of 0.
    const operand = edit.constant(node.graph, int64Tensor([shape.length], shape), `${node.out.y.name}_shape`);
    const below = edit.add(node.graph, Reshape, { x: source, shape: operand }, {}, { name: node.name, before: node });
    edit.replace(node, Transpose, { x: below.out.y }, { perm: [...expanded(perm, groups)] }, { name: turned.name });
  },
});
