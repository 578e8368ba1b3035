import { staticShape } from '../../graph/types.js';
import { constantOf, Flatten, Reshape, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from '../../ops/index.js';
import { elementCount } from '../../tensor/dtype.js';
import { reshapeTensor } from '../../tensor/rearrange.js';
import { holdsInitializers, mayFold, wouldCopy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const foldView = rule({
  name: 'fold-view',
  doc: 'Reshape, Flatten, Squeeze or Unsqueeze of a constant -> a constant over the same data',
  root: [Reshape, Flatten, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return notApplicable('input-computed');
    if (!mayFold(y)) return notApplicable('is-output');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    const shape = staticShape(y.type);
    if (!shape || elementCount(shape) !== elementCount(held.shape)) return skip('shape-unknown');
    if (wouldCopy(x, held.byteLength)) return skip('constant-large');
    edit.foldTo(y, reshapeTensor(held, shape));
  },
});
