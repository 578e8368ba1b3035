import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import { family } from './family.js';

/** The MNIST network of the ACNet article: two pairs of 3x3 convolutions, pooled, and three linear layers; Dropout sits at classifier 0, 4 and 8. */
export const mnists = family({
  name: 'mnist',
  config: {
    /** The article's block in the place of each convolution: `conv`, `ac1` and `ac2`, averaged. */
    averaged: v.optional(v.boolean(), false),
    bias: v.optional(v.boolean(), true),
  },
  build(net, x, { averaged, bias, numClasses }) {
    if (averaged && net.net.style.acb === 'authors')
      throw new CnnxError('builder/option', 'its convolutions are asymmetric blocks already, in the averaged form', {
        at: { field: 'acb' },
        hint: 'mnist_net with --acb has the form of the authors',
      });
    const g = net.styled(averaged ? { acb: 'plain' } : {});
    const features = g.at('features');
    const layer = (y: typeof x, at: number, out: number): typeof x =>
      features.relu(features.convBn(y, at, at + 1, { out, kernel: 3, pad: 1, bias }), at + 2);
    let y = features.maxPool(layer(layer(x, 0, 32), 3, 32), { kernel: 2, stride: 2 }, 6);
    y = features.maxPool(layer(layer(y, 7, 64), 10, 64), { kernel: 2, stride: 2 }, 13);
    const c = g.at('classifier');
    y = g.flatten(y);
    y = c.relu(c.batchNorm(c.linear(y, 1, 512), 2), 3);
    y = c.relu(c.batchNorm(c.linear(y, 5, 512), 6), 7);
    return { logits: c.linear(y, 9, numClasses) };
  },
});
