import { AveragePool, MaxPool } from '../../ops/index.js';
import { notApplicable, rule, skip } from '../rule.js';

export const unitPool = rule({
  name: 'unit-pool',
  doc: 'AveragePool(x) or MaxPool(x) with a window of one element, moved by one, without padding -> x',
  root: [AveragePool, MaxPool],
  apply(node, edit) {
    const { x } = node.in;
    const [y, indices] = node.outputs;
    const { kernel_shape, strides, pads, auto_pad } = node.attr;
    if (!y || kernel_shape.some((k) => k !== 1)) return notApplicable('window-several');
    if (strides?.some((s) => s !== 1)) return notApplicable('stride-skips');
    if (indices) return skip('is-output');
    // With a stride of 1 the automatic paddings of a window of 1 are none.
    if (auto_pad === 'NOTSET' && pads?.some((n) => n !== 0)) return skip('pads');
    if (!edit.canReplaceUses(y, x)) return notApplicable('renames-boundary');
    edit.replaceUses(y, x);
  },
});
