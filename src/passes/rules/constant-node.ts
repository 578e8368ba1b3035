import { Constant, constantOf } from '../../ops/index.js';
import { holdsInitializers } from '../match.js';
import { notApplicable, rule } from '../rule.js';

export const constantNode = rule({
  name: 'constant-node',
  doc: 'Constant -> an initializer of the same name',
  root: Constant,
  apply(node, edit) {
    const { y } = node.out;
    const held = constantOf(y);
    if (!held) return notApplicable('sparse');
    if (y.outputCount > 0) return notApplicable('is-output');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    edit.foldTo(y, held);
  },
});
