import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { count, family } from './family.js';
import type { Scope } from './scope.js';

/** 1x1 to fewer channels, then 1x1 and 3x3 side by side. arXiv:1602.07360 fig. 1. */
function fire(g: Scope, x: Value, squeeze: number, expand: number): Value {
  const conv = (y: Value, name: string, out: number, kernel: number): Value =>
    g.relu(g.conv(y, name, { out, kernel, pad: (kernel - 1) / 2, bias: true }), `${name}_activation`);
  const y = conv(x, 'squeeze', squeeze, 1);
  return g.concat([conv(y, 'expand1x1', expand, 1), conv(y, 'expand3x3', expand, 3)]);
}

const layer = v.union([v.literal('pool'), v.strictObject({ squeeze: count, expand: count })]);

/** SqueezeNet with torchvision's names. */
export const squeezenets = family({
  name: 'squeezenet',
  config: {
    stem: v.strictObject({ out: count, kernel: count }),
    /** Pools and fire modules after the stem, in order. */
    layers: v.pipe(v.array(layer), v.minLength(1)),
  },
  build(net, x, { stem, layers, numClasses }) {
    const g = net.at('features');
    let y = g.relu(g.conv(x, 0, { ...stem, stride: 2, bias: true }), 1);
    layers.forEach((l, i) => {
      y =
        l === 'pool'
          ? g.maxPool(y, { kernel: 3, stride: 2, ceil: true }, i + 2)
          : fire(g.at(i + 2), y, l.squeeze, l.expand);
    });
    const c = net.at('classifier');
    const init = { rule: 'normal', std: 0.01 } as const;
    y = c.relu(c.conv(y, 1, { out: numClasses, kernel: 1, bias: true, init }), 2);
    return { logits: net.flatten(c.globalAvgPool(y, 3)) };
  },
});
