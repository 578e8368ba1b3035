import * as v from 'valibot';
import { count, family, flag } from './family.js';

/** Stages of 3x3 convolutions, each ended by a 2x2 max pool. arXiv:1409.1556 table 1; torchvision's numbering of layers. */
export const vggs = family({
  name: 'vgg',
  config: {
    /** Convolutions in each stage. */
    layers: v.pipe(v.array(count), v.minLength(1)),
    /** Output channels of each stage. */
    widths: v.optional(v.pipe(v.array(count), v.minLength(1)), [64, 128, 256, 512, 512]),
    batchNorm: flag,
  },
  build(net, x, { layers, widths, batchNorm, numClasses }) {
    const g = net.at('features');
    let y = x;
    let at = 0;
    layers.forEach((depth, stage) => {
      const options = { out: widths[stage] ?? widths.at(-1) ?? 64, kernel: 3, pad: 1, bias: true };
      for (let i = 0; i < depth; i++) {
        y = batchNorm ? g.convBn(y, at, at + 1, options) : g.conv(y, at, options);
        y = g.relu(y, at + (batchNorm ? 2 : 1));
        at += batchNorm ? 3 : 2;
      }
      y = g.maxPool(y, { kernel: 2, stride: 2 }, at);
      at += 1;
    });
    const c = net.at('classifier');
    y = net.flatten(net.adaptiveAvgPool(y, 7));
    y = c.relu(c.linear(y, 0, 4096), 1);
    y = c.relu(c.linear(y, 3, 4096), 4);
    return { logits: c.linear(y, 6, numClasses) };
  },
});
