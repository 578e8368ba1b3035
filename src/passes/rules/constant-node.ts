import { Constant, constantOf } from '../../ops/index.js';
import { holdsInitializers } from '../match.js';
import { absent, rule } from '../rule.js';

export const constantNode = rule({
  name: 'constant-node',
  doc: 'Constant -> an initializer of the same name',
  root: Constant,
  apply(node, edit) {
    const { y } = node.out;
    const held = constantOf(y);
    if (!held) return absent('holds a sparse tensor');
    if (y.outputCount > 0) return absent('is an output');
    if (!holdsInitializers(node.graph)) return absent('subgraphs have no initializers below IR version 4');
    edit.settle(y, held);
  },
});
