import { AveragePool, Pad, Pad2, padding } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const padIntoAveragePool = rule({
  name: 'pad-into-average-pool',
  doc: 'AveragePool(Pad(x, p, 0)) -> AveragePool(x) with pads + p that counts the padding, as the Pad made it do',
  root: AveragePool,
  apply(pool, edit) {
    const pad = pool.in.x.producer;
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return notApplicable('not-after-pad');
    if (!usedOnce(pool.in.x)) return skip('used-elsewhere');
    const p = padding(pad);
    if (!p) return skip('amounts-computed');
    if (p.mode !== 'constant') return skip('pad-mode');
    if (p.value !== 0) return skip('pad-value');
    const { auto_pad, ceil_mode, count_include_pad, kernel_shape } = pool.attr;
    if (auto_pad !== 'NOTSET' && auto_pad !== 'VALID') return skip('auto-pad');
    if (ceil_mode !== 0) return skip('pool-size');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('pad-crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pad-channels');
    if (count_include_pad === 0 && pool.attr.pads?.some((n) => n !== 0)) return skip('counts-one-padding');
    const pads = addPads(pool.attr.pads, p);
    // onnxruntime refuses larger ones; they would give windows of nothing but padding.
    if (pads.some((n, i) => n >= (kernel_shape[i % kernel_shape.length] ?? 0))) return skip('pad-large');
    edit.replace(
      pool,
      AveragePool,
      { x: pad.in.x },
      { pads, count_include_pad: 1, auto_pad: undefined },
      { attrsFrom: pool },
    );
  },
});
