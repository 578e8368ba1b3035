import { constantOf, Transpose } from '../../ops/index.js';
import { transposeTensor } from '../../tensor/rearrange.js';
import { holdsInitializers, mayFold, wouldCopy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const foldTranspose = rule({
  name: 'fold-transpose',
  doc: 'Transpose of a constant -> a constant',
  root: Transpose,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return notApplicable('input-computed');
    if (!mayFold(y)) return notApplicable('is-output');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    if (wouldCopy(x, held.byteLength)) return skip('constant-large');
    const perm = node.attr.perm ?? held.shape.map((_, i, all) => all.length - 1 - i);
    const folded = transposeTensor(held, perm);
    if (!folded) return skip('not-movable');
    edit.foldTo(y, folded);
  },
});
