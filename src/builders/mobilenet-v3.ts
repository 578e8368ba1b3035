import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { type Activation, hardSigmoid, hardSwish, relu } from './activations.js';
import { count, family, scale } from './family.js';
import { divisible } from './rounding.js';
import type { ConvOptions, Scope } from './scope.js';
import { squeezeExcite } from './squeeze-excite.js';

const ACTIVATIONS = { relu, hardswish: hardSwish } as const;
const EPS = 1e-3;

const unit = (g: Scope, x: Value, options: ConvOptions, act: Activation): Value =>
  act(g, g.convBn(x, 0, 1, { ...options, eps: EPS }), 2);

const blockSchema = v.strictObject({
  kernel: count,
  expanded: count,
  out: count,
  squeeze: v.optional(v.boolean(), false),
  activation: v.picklist(['relu', 'hardswish']),
  stride: v.optional(count, 1),
});

/** As in MobileNet v2, with squeeze and excitation. arXiv:1905.02244. */
function block(g: Scope, x: Value, b: v.InferOutput<typeof blockSchema>, width: number): Value {
  const act = ACTIVATIONS[b.activation];
  const input = g.channels(x);
  const hidden = divisible(b.expanded * width, 8);
  const out = divisible(b.out * width, 8);
  let y = x;
  let at = 0;
  if (hidden !== input) y = unit(g.at(at++), y, { out: hidden, kernel: 1 }, act);
  const depthwise = { kernel: b.kernel, stride: b.stride, pad: (b.kernel - 1) / 2 };
  y = unit(g.at(at++), y, { out: hidden, ...depthwise, groups: hidden }, act);
  if (b.squeeze) y = squeezeExcite(g.at(at++), y, divisible(Math.floor(hidden / 4), 8), { gate: hardSigmoid });
  y = g.at(at).convBn(y, 0, 1, { out, kernel: 1, eps: EPS });
  return b.stride === 1 && input === out ? g.add(y, x) : y;
}

/** MobileNet v3 with torchvision's names. */
export const mobilenetsV3 = family({
  name: 'mobilenet-v3',
  config: {
    /** Multiplies all channels, which are then rounded to multiples of 8. */
    width: scale,
    blocks: v.pipe(v.array(blockSchema), v.minLength(1)),
    /** Features before the classifier. */
    lastChannels: count,
  },
  build(net, x, { width, blocks, lastChannels, numClasses }) {
    const g = net.at('features');
    let y = unit(g.at(0), x, { out: divisible(16 * width, 8), kernel: 3, stride: 2, pad: 1 }, hardSwish);
    blocks.forEach((b, i) => (y = block(g.at(i + 1).at('block'), y, b, width)));
    y = unit(g.at(blocks.length + 1), y, { out: 6 * g.channels(y), kernel: 1 }, hardSwish);
    const c = net.at('classifier');
    y = hardSwish(c, c.linear(net.flatten(net.globalAvgPool(y)), 0, divisible(lastChannels * width, 8)), 1);
    return { logits: c.linear(y, 3, numClasses) };
  },
});
