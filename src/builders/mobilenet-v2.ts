import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { type Activation, relu6 } from './activations.js';
import { count, family, scale } from './family.js';
import { divisible } from './rounding.js';
import type { ConvOptions, Scope } from './scope.js';

const unit = (g: Scope, x: Value, options: ConvOptions, act: Activation = relu6): Value =>
  act(g, g.convBn(x, 0, 1, options), 2);

/** 1x1 to `expand` times the channels, depthwise 3x3, 1x1 back; the input added where shapes agree. arXiv:1801.04381. */
function block(g: Scope, x: Value, expand: number, out: number, stride: number): Value {
  const input = g.channels(x);
  const hidden = input * expand;
  let y = x;
  let at = 0;
  if (expand !== 1) y = unit(g.at(at++), y, { out: hidden, kernel: 1 });
  y = unit(g.at(at++), y, { out: hidden, kernel: 3, stride, pad: 1, groups: hidden });
  y = g.convBn(y, at, at + 1, { out, kernel: 1 });
  return stride === 1 && input === out ? g.add(x, y) : y;
}

const stage = v.strictObject({ expand: count, out: count, depth: count, stride: count });

/** MobileNet v2 with torchvision's names. */
export const mobilenetsV2 = family({
  name: 'mobilenet-v2',
  config: {
    /** Multiplies all channels, which are then rounded to multiples of 8. */
    width: scale,
    stages: v.pipe(v.array(stage), v.minLength(1)),
  },
  build(net, x, { width, stages, numClasses }) {
    const g = net.at('features');
    let y = unit(g.at(0), x, { out: divisible(32 * width, 8), kernel: 3, stride: 2, pad: 1 });
    let at = 1;
    for (const { expand, out, depth, stride } of stages)
      for (let i = 0; i < depth; i++)
        y = block(g.at(at++).at('conv'), y, expand, divisible(out * width, 8), i === 0 ? stride : 1);
    y = unit(g.at(at), y, { out: divisible(1280 * Math.max(1, width), 8), kernel: 1 });
    return { logits: net.at('classifier').linear(net.flatten(net.globalAvgPool(y)), 1, numClasses) };
  },
});
