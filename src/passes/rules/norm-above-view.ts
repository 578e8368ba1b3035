import { BatchNormalization, BatchNormalization7, batchNorm, Conv, ConvTranspose, Gemm } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { usedOnce, VIEWS } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

const TAKE_NORMS = [Conv, ConvTranspose, Gemm] as const;

export const normAboveView = rule({
  name: 'norm-above-view',
  doc: 'BatchNormalization of a view of a convolution that keeps batch and channels -> the view of the BatchNormalization',
  root: [BatchNormalization, BatchNormalization7],
  apply(node, edit) {
    const norm = batchNorm(node);
    const view = norm?.x.producer;
    const source = view?.inputs[0];
    if (!view || !source || !VIEWS.some((op) => view.is(op))) return notApplicable('not-a-view');
    if (!TAKE_NORMS.some((op) => source.producer?.is(op))) return notApplicable('view-no-convolution');
    const { x: viewed, y, scale, bias, mean, variance, training } = norm;
    const [from, to] = [shapeOf(source), shapeOf(viewed)];
    if (!from || !to || to.length < 2 || [0, 1].some((i) => from[i] === undefined || from[i] !== to[i]))
      return skip('view-mixes');
    if (!usedOnce(source) || !usedOnce(viewed)) return skip('used-elsewhere');
    if (training) return skip('training-mode');
    const op = node.is(BatchNormalization) ? BatchNormalization : BatchNormalization7;
    const options = { name: node.name, attrsFrom: node, before: view };
    const below = edit.add(node.graph, op, { x: source, scale, bias, mean, variance }, {}, options);
    edit.setInput(view, 0, below.out.y);
    edit.replaceUses(y, viewed);
  },
});
