import type { Value } from '../../graph/ir.js';
import { clipBounds, MaxPool, Pad, Pad2, padding, Relu, Sigmoid } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

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
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return notApplicable('not-after-pad');
    if (!usedOnce(pool.in.x)) return skip('used-elsewhere');
    const p = padding(pad);
    if (!p) return skip('amounts-computed');
    if (p.mode !== 'constant') return skip('pad-mode');
    const neutral = p.value === Number.NEGATIVE_INFINITY || (p.value === 0 && isNeverNegative(pad.in.x));
    if (!neutral) return skip('value-above');
    if (pool.out.indices) return skip('counts-padding');
    const { auto_pad, ceil_mode, dilations, kernel_shape } = pool.attr;
    if (auto_pad !== 'NOTSET' && auto_pad !== 'VALID') return skip('auto-pad');
    if (ceil_mode !== 0) return skip('pool-size');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('pad-crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pad-channels');
    // Every window must keep one element that is no padding.
    if (dilations?.some((d) => d !== 1)) return skip('dilated-padding');
    const pads = addPads(pool.attr.pads, p);
    if (pads.some((n, i) => n >= (kernel_shape[i % kernel_shape.length] ?? 0))) return skip('pad-large');
    edit.replace(pool, MaxPool, { x: pad.in.x }, { pads, auto_pad: undefined }, { attrsFrom: pool });
  },
});
