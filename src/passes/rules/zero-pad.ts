import { Pad, Pad2, padding } from '../../ops/index.js';
import { absent, rule } from '../rule.js';

export const zeroPad = rule({
  name: 'zero-pad',
  doc: 'Pad(x) by nothing -> x',
  root: [Pad, Pad2],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const p = padding(node);
    if (!p) return absent('the amounts or the value are computed');
    if ([...p.begin, ...p.end].some((n) => n !== 0)) return absent('pads or crops');
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
