import { Cast, constantOf } from '../../ops/index.js';
import { dtypeOfCode } from '../../tensor/dtype.js';
import { asFloat64, fromFloat64 } from '../../tensor/tensor.js';
import { holdsInitializers, maySettle, wouldCopy } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const foldCast = rule({
  name: 'fold-cast',
  doc: 'Cast of a float16 or bfloat16 constant to float32 -> a constant, exactly',
  root: Cast,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const held = constantOf(x);
    if (!held) return absent('its input is computed, or overridable');
    if (!maySettle(y)) return absent('is an output, or a kernel writes into it');
    if (!holdsInitializers(node.graph)) return absent('subgraphs have no initializers below IR version 4');
    const widens = held.dtype === 'float16' || held.dtype === 'bfloat16';
    if (!widens || dtypeOfCode(node.attr.to) !== 'float32') return absent('not from a half to a single float');
    if (wouldCopy(x, held.byteLength)) return skip('the constant is large, and used elsewhere');
    edit.settle(y, fromFloat64('float32', held.shape, asFloat64(held)));
  },
});
