import { permOf, Transpose } from '../../ops/index.js';
import { producer, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

const isIdentity = (perm: readonly number[]): boolean => perm.every((p, i) => p === i);

export const transposeChain = rule({
  name: 'transpose-chain',
  doc: 'Transpose(Transpose(x)) -> one Transpose; one that keeps the order of the axes -> x',
  root: Transpose,
  apply(node, edit) {
    const { x } = node.in;
    const { y } = node.out;
    const outer = permOf(node);
    if (!outer) return notApplicable('rank-unknown');
    const inner = producer(x, Transpose);
    const first = isIdentity(outer) ? undefined : inner && permOf(inner);
    if (!isIdentity(outer) && !first) return notApplicable('not-a-chain');
    const perm = first ? outer.map((p) => first[p] ?? p) : outer;
    const source = first && inner ? inner.in.x : x;
    if (isIdentity(perm) && edit.canReplaceUses(y, source)) edit.replaceUses(y, source);
    else if (!first) return notApplicable('renames-boundary');
    else if (!usedOnce(x)) return skip('used-elsewhere');
    else edit.replace(node, Transpose, { x: source }, { perm });
  },
});
