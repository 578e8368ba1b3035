import { Pad, Pad2, type Padding, padding } from '../../ops/index.js';
import { int64Tensor } from '../../tensor/tensor.js';
import { holdsInitializers, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** Both amounts at one side of an axis: what is cropped first cannot be put in again. */
const addsUp = (first: number, then: number): boolean => first >= 0 || then <= 0;

function sum(p: Padding, q: Padding): readonly number[] | undefined {
  const [first, then] = [
    [...p.begin, ...p.end],
    [...q.begin, ...q.end],
  ];
  return first.every((n, i) => addsUp(n, then[i] ?? 0)) ? first.map((n, i) => n + (then[i] ?? 0)) : undefined;
}

export const padChain = rule({
  name: 'pad-chain',
  doc: 'Pad(Pad(x, p), q) of one value, or both with the edge -> Pad(x, p + q)',
  root: [Pad, Pad2],
  apply(node, edit) {
    const inner = node.in.x.producer;
    if (!inner?.is(Pad) && !inner?.is(Pad2)) return notApplicable('not-after-pad');
    if (!usedOnce(node.in.x)) return skip('used-elsewhere');
    const [p, q] = [padding(inner), padding(node)];
    if (!p || !q) return skip('amounts-computed');
    if (p.mode !== q.mode || (p.mode !== 'constant' && p.mode !== 'edge')) return skip('pad-modes');
    if (p.mode === 'constant' && !Object.is(p.value, q.value)) return skip('pad-values');
    const pads = sum(p, q);
    if (!pads) return skip('pads-after-crop');
    if (node.is(Pad2)) {
      edit.replace(node, Pad2, { x: inner.in.x }, { pads: [...pads] }, { attrsFrom: node });
      return;
    }
    if (!node.is(Pad) || !holdsInitializers(node.graph)) return notApplicable('no-subgraph-initializers');
    const amounts = edit.constant(node.graph, int64Tensor([pads.length], pads), `${node.out.y.name}_pads`);
    edit.replace(node, Pad, { x: inner.in.x, pads: amounts, value: node.in.value }, {}, { attrsFrom: node });
  },
});
