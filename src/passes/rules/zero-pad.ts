import { Pad, Pad2, padding } from '../../ops/index.js';
import { notApplicable, rule } from '../rule.js';

export const zeroPad = rule({
  name: 'zero-pad',
  doc: 'Pad(x) by nothing -> x',
  root: [Pad, Pad2],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const p = padding(node);
    if (!p) return notApplicable('amounts-computed');
    if ([...p.begin, ...p.end].some((n) => n !== 0)) return notApplicable('pads-or-crops');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
