import type { Value } from '../../graph/ir.js';
import { clipBounds, MaxPool, Pad, Pad2, padding, Relu, Sigmoid } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { absent, rule, skip } from '../rule.js';

function isNeverNegative(x: Value): boolean {
  const node = x.producer;
  if (!node) return false;
  const clip = clipBounds(node);
  return node.is(Relu) || node.is(Sigmoid) || (clip !== undefined && clip.min >= 0 && clip.max >= 0);
}

export const padIntoMaxPool = rule({
  name: 'pad-into-max-pool',
  doc: 'MaxPool(Pad(x, p, v)) -> MaxPool(x) with pads + p, where v is -infinity, or zero and x never negative',
  root: MaxPool,
  apply(pool, edit) {
    const pad = pool.in.x.producer;
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return absent('its input is not a Pad');
    if (!usedOnce(pool.in.x)) return skip('the Pad is used elsewhere');
    const p = padding(pad);
    if (!p) return skip('the amounts or the value are computed');
    if (p.mode !== 'constant') return skip('its mode is not constant');
    const neutral = p.value === Number.NEGATIVE_INFINITY || (p.value === 0 && isNeverNegative(pad.in.x));
    if (!neutral) return skip('the value may be larger than what it pads');
    if (pool.out.indices) return skip('its indices count the padding');
    const { auto_pad, ceil_mode, dilations, kernel_shape } = pool.attr;
    if (auto_pad !== 'NOTSET' && auto_pad !== 'VALID') return skip('auto_pad depends on the size');
    if (ceil_mode !== 0) return skip('ceil_mode depends on the size');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pads the batch or the channels');
    // Every window must keep one element that is no padding.
    if (dilations?.some((d) => d !== 1)) return skip('a dilated window may lie in the padding');
    const pads = addPads(pool.attr.pads, p);
    if (pads.some((n, i) => n >= (kernel_shape[i % kernel_shape.length] ?? 0)))
      return skip('more padding than the window is wide');
    edit.replace(pool, MaxPool, { x: pad.in.x }, { pads, auto_pad: undefined }, { attrsFrom: pool });
  },
});
