import { Conv, Pad, Pad2, padding } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const padIntoConv = rule({
  name: 'pad-into-conv',
  doc: 'Conv(Pad(x, p, 0), w) -> Conv(x, w) with pads + p, where only spatial axes are padded, with zeros',
  root: Conv,
  apply(conv, edit) {
    const pad = conv.in.x.producer;
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return notApplicable('not-after-pad');
    if (!usedOnce(conv.in.x)) return skip('used-elsewhere');
    const p = padding(pad);
    if (!p) return skip('amounts-computed');
    if (p.mode !== 'constant') return skip('pad-mode');
    if (p.value !== 0) return skip('pad-value');
    if (conv.attr.auto_pad !== 'NOTSET' && conv.attr.auto_pad !== 'VALID') return skip('auto-pad');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('pad-crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pad-channels');
    const pads = addPads(conv.attr.pads, p);
    edit.replace(
      conv,
      Conv,
      { x: pad.in.x, w: conv.in.w, b: conv.in.b },
      { pads, auto_pad: undefined },
      { attrsFrom: conv },
    );
  },
});
