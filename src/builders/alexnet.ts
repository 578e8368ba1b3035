import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { count, family } from './family.js';

/** Five convolutions and three linear layers. torchvision's single-tower AlexNet (arXiv:1404.5997); ZFNet (arXiv:1311.2901) has another stem and more filters. */
export const alexnets = family({
  name: 'alexnet',
  config: {
    stemKernel: v.optional(count, 11),
    stemStride: v.optional(count, 4),
    /** Output channels of the five convolutions. */
    filters: v.optional(v.tuple([count, count, count, count, count]), [64, 192, 384, 256, 256]),
    /** Of the second, fourth and fifth convolution: 2 on the two GPUs of the original. */
    groups: v.optional(count, 1),
  },
  build(net, x, { stemKernel, stemStride, filters, groups, numClasses }) {
    const g = net.at('features');
    const [f1, f2, f3, f4, f5] = filters;
    const pool = (y: Value, at: number): Value => g.maxPool(y, { kernel: 3, stride: 2 }, at);
    const conv = (y: Value, at: number, out: number, kernel: number, split: number): Value =>
      g.relu(g.conv(y, at, { out, kernel, pad: (kernel - 1) / 2, groups: split, bias: true }), at + 1);
    let y = g.relu(g.conv(x, 0, { out: f1, kernel: stemKernel, stride: stemStride, pad: 2, bias: true }), 1);
    y = pool(conv(pool(y, 2), 3, f2, 5, groups), 5);
    y = conv(conv(conv(y, 6, f3, 3, 1), 8, f4, 3, groups), 10, f5, 3, groups);
    y = net.flatten(net.adaptiveAvgPool(pool(y, 12), 6));
    const c = net.at('classifier');
    y = c.relu(c.linear(y, 1, 4096), 2);
    y = c.relu(c.linear(y, 4, 4096), 5);
    return { logits: c.linear(y, 6, numClasses) };
  },
});
