import { Concat, Max, Mean, Min, Sum } from '../../ops/index.js';
import { notApplicable, rule } from '../rule.js';

export const singleInput = rule({
  name: 'single-input',
  doc: 'Concat, Sum, Mean, Min or Max of one x -> x',
  root: [Concat, Sum, Mean, Min, Max],
  apply(node, edit) {
    const [x] = node.in.xs;
    const { y } = node.out;
    if (!x || node.in.xs.length > 1) return notApplicable('several-inputs');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
