import { Concat, Max, Mean, Min, Sum } from '../../ops/index.js';
import { absent, rule } from '../rule.js';

export const singleInput = rule({
  name: 'single-input',
  doc: 'Concat, Sum, Mean, Min or Max of one x -> x',
  root: [Concat, Sum, Mean, Min, Max],
  apply(node, edit) {
    const [x] = node.in.xs;
    const { y } = node.out;
    if (!x || node.in.xs.length > 1) return absent('several inputs');
    if (!edit.canReplaceUses(y, x)) return absent('joins an output to an input, a constant, or another output');
    edit.replaceUses(y, x);
  },
});
