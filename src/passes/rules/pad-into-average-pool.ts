import { AveragePool, Pad, Pad2, padding } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const padIntoAveragePool = rule({
  name: 'pad-into-average-pool',
  doc: 'AveragePool(Pad(x, p, 0)) -> AveragePool(x) with pads + p that counts the padding, as the Pad made it do',
  root: AveragePool,
  apply(pool, edit) {
    const pad = pool.in.x.producer;
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return absent('its input is not a Pad');
    if (!usedOnce(pool.in.x)) return skip('the Pad is used elsewhere');
    const p = padding(pad);
    if (!p) return skip('the amounts or the value are computed');
    if (p.mode !== 'constant') return skip('its mode is not constant');
    if (p.value !== 0) return skip('pads with another value than zero');
    const { auto_pad, ceil_mode, count_include_pad, kernel_shape } = pool.attr;
    if (auto_pad !== 'NOTSET' && auto_pad !== 'VALID') return skip('auto_pad depends on the size');
    if (ceil_mode !== 0) return skip('ceil_mode depends on the size');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pads the batch or the channels');
    if (count_include_pad === 0 && pool.attr.pads?.some((n) => n !== 0))
      return skip('counts one padding and not the other');
    const pads = addPads(pool.attr.pads, p);
    // onnxruntime refuses larger ones; they would give windows of nothing but padding.
    if (pads.some((n, i) => n >= (kernel_shape[i % kernel_shape.length] ?? 0)))
      return skip('more padding than the window is wide');
    edit.replace(
      pool,
      AveragePool,
      { x: pad.in.x },
      { pads, count_include_pad: 1, auto_pad: undefined },
      { attrsFrom: pool },
    );
  },
});
