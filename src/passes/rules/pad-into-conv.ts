import { Conv, Pad, Pad2, padding } from '../../ops/index.js';
import { addPads, usedOnce } from '../match.js';
import { absent, rule, skip } from '../rule.js';

export const padIntoConv = rule({
  name: 'pad-into-conv',
  doc: 'Conv(Pad(x, p, 0), w) -> Conv(x, w) with pads + p, where only spatial axes are padded, with zeros',
  root: Conv,
  apply(conv, edit) {
    const pad = conv.in.x.producer;
    if (!pad?.is(Pad) && !pad?.is(Pad2)) return absent('its input is not a Pad');
    if (!usedOnce(conv.in.x)) return skip('the Pad is used elsewhere');
    const p = padding(pad);
    if (!p) return skip('the amounts or the value are computed');
    if (p.mode !== 'constant') return skip('its mode is not constant');
    if (p.value !== 0) return skip('pads with another value than zero');
    if (conv.attr.auto_pad !== 'NOTSET' && conv.attr.auto_pad !== 'VALID') return skip('auto_pad depends on the size');
    if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('crops');
    if ([p.begin, p.end].some((side) => side[0] !== 0 || side[1] !== 0)) return skip('pads the batch or the channels');
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
