import { Cast, constantOf } from '../../ops/index.js';
import { dtypeOfCode } from '../../tensor/dtype.js';
import { asFloat64, fromFloat64 } from '../../tensor/tensor.js';
import { holdsInitializers, mayFold, wouldCopy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const foldCast = rule({
  name: 'fold-cast',
  doc: 'Cast of a float16 or bfloat16 constant to float32 -> a constant, exactly',
  root: Cast,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return notApplicable('input-computed');
    if (!mayFold(y)) return notApplicable('is-output');
    if (!holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    const widens = held.dtype === 'float16' || held.dtype === 'bfloat16';
    if (!widens || dtypeOfCode(node.attr.to) !== 'float32') return notApplicable('not-half-to-float');
    if (wouldCopy(x, held.byteLength)) return skip('constant-large');
    edit.foldTo(y, fromFloat64('float32', held.shape, asFloat64(held)));
  },
});
