import { constantOf, LeakyRelu, PRelu } from '../../ops/index.js';
import { isFilledWith } from '../match.js';
import { notApplicable, rule } from '../rule.js';

export const unitSlope = rule({
  name: 'unit-slope',
  doc: 'LeakyRelu(x), PRelu(x) with slope 1 -> x',
  root: [LeakyRelu, PRelu],
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const isOne = node.is(PRelu)
      ? isFilledWith(constantOf(node.in.slope), 1)
      : node.is(LeakyRelu) && node.attr.alpha === 1;
    if (!isOne) return notApplicable('slope-not-one');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
