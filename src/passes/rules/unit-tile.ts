import { constantOf, Tile } from '../../ops/index.js';
import { isFilledWith } from '../match.js';
import { notApplicable, rule } from '../rule.js';

export const unitTile = rule({
  name: 'unit-tile',
  doc: 'Tile(x, r) with all r = 1 -> x',
  root: Tile,
  apply(node, edit) {
    const { x, repeats } = node.in;
    const { y } = node.out;
    if (!isFilledWith(constantOf(repeats), 1)) return notApplicable('repeats');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
