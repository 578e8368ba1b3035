import { constantOf, Transpose } from '../../ops/index.js';
import { transposeTensor } from '../../tensor/layout.js';
import { holdsInitializers, maySettle, wouldCopy } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const foldTranspose = rule({
  name: 'fold-transpose',
  doc: 'Transpose of a constant -> a constant',
  root: Transpose,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return absent('its input is computed, or overridable');
    if (!maySettle(y)) return absent('is an output, or a kernel writes into it');
    if (!holdsInitializers(node.graph)) return absent('subgraphs have no initializers below IR version 4');
    if (wouldCopy(x, held.byteLength)) return skip('the constant is large, and used elsewhere');
    const perm = node.attr.perm ?? held.shape.map((_, i, all) => all.length - 1 - i);
    const folded = transposeTensor(held, perm);
    if (!folded) return skip('strings, a type of less than a byte, or no order of the axes');
    edit.settle(y, folded);
  },
});
