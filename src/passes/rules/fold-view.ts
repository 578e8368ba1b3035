import { staticShape } from '../../graph/types.js';
import { constantOf, Flatten, Reshape, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from '../../ops/index.js';
import { elementCount } from '../../tensor/dtype.js';
import { reshapeTensor } from '../../tensor/layout.js';
import { holdsInitializers, maySettle, wouldCopy } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const foldView = rule({
  name: 'fold-view',
  doc: 'Reshape, Flatten, Squeeze or Unsqueeze of a constant -> a constant over the same data',
  root: [Reshape, Flatten, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return absent('its input is computed, or overridable');
    if (!maySettle(y)) return absent('is an output, or a kernel writes into it');
    if (!holdsInitializers(node.graph)) return absent('subgraphs have no initializers below IR version 4');
    const shape = staticShape(y.type);
    if (!shape || elementCount(shape) !== elementCount(held.shape)) return skip('the shape is not known');
    if (wouldCopy(x, held.byteLength)) return skip('the constant is large, and used elsewhere');
    edit.settle(y, reshapeTensor(held, shape));
  },
});
