import { Gather, permOf, Transpose } from '../../ops/index.js';
import { rankOf } from '../../ops/tensors.js';
import { producer } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';
import { isIdentity, without } from '../transposes/permutation.js';

export const gatherOfTranspose = rule({
  name: 'gather-of-transpose',
  doc: 'Gather(Transpose(x, p), i, a) of one index -> Gather(x, i, p[a]), where the other axes stand in order',
  root: Gather,
  apply(node, edit) {
    const turned = producer(node.in.x, Transpose);
    const perm = turned && permOf(turned);
    if (!turned || !perm) return notApplicable('not-after-transpose');
    if (rankOf(node.in.indices) !== 0) return notApplicable('several-indices');
    const axis = node.attr.axis < 0 ? node.attr.axis + perm.length : node.attr.axis;
    if (!isIdentity(without(perm, [axis]))) return skip('reorders');
    const inputs = { x: turned.in.x, indices: node.in.indices };
    edit.replace(node, Gather, inputs, { axis: perm[axis] }, { attrsFrom: node });
  },
});
