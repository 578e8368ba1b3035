import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { silu } from './activations.js';
import { count, family, scale } from './family.js';
import { divisible } from './rounding.js';
import type { ConvOptions, NormOptions, Scope } from './scope.js';
import { squeezeExcite } from './squeeze-excite.js';

const unit = (g: Scope, x: Value, options: ConvOptions & NormOptions): Value => silu(g, g.convBn(x, 0, 1, options), 2);

const stageSchema = v.strictObject({
  /** `mbconv`: 1x1, depthwise, squeeze and excitation, 1x1. `fused`: k x k, 1x1. */
  block: v.optional(v.picklist(['mbconv', 'fused']), 'mbconv'),
  expand: count,
  kernel: count,
  stride: count,
  out: count,
  depth: count,
});

interface BlockOptions {
  readonly expand: number;
  readonly kernel: number;
  readonly stride: number;
  readonly out: number;
  readonly eps: number;
}

type Block = (g: Scope, x: Value, options: BlockOptions) => Value;

const mbconv: Block = (g, x, { expand, kernel, stride, out, eps }) => {
  const input = g.channels(x);
  const hidden = divisible(input * expand, 8);
  let y = x;
  let at = 0;
  if (hidden !== input) y = unit(g.at(at++), y, { out: hidden, kernel: 1, eps });
  y = unit(g.at(at++), y, { out: hidden, kernel, stride, pad: (kernel - 1) / 2, groups: hidden, eps });
  y = squeezeExcite(g.at(at++), y, Math.max(1, Math.floor(input / 4)), { activation: silu });
  return g.at(at).convBn(y, 0, 1, { out, kernel: 1, eps });
};

const fused: Block = (g, x, { expand, kernel, stride, out, eps }) => {
  const hidden = divisible(g.channels(x) * expand, 8);
  const large = { kernel, stride, pad: (kernel - 1) / 2, eps };
  if (hidden === g.channels(x)) return unit(g.at(0), x, { out, ...large });
  const y = unit(g.at(0), x, { out: hidden, ...large });
  return g.at(1).convBn(y, 0, 1, { out, kernel: 1, eps });
};

const BLOCKS = { mbconv, fused };

/** EfficientNet v1 (arXiv:1905.11946) and v2 (arXiv:2104.00298) with torchvision's names. */
export const efficientnets = family({
  name: 'efficientnet',
  config: {
    /** Multiplies channels, which are then rounded to multiples of 8. */
    width: scale,
    /** Multiplies the blocks of a stage, rounded up. */
    depth: scale,
    stemChannels: count,
    stages: v.pipe(v.array(stageSchema), v.minLength(1)),
    /** Of the last convolution; four times its input if absent. */
    lastChannels: v.optional(count),
    /** Of every BatchNormalization. */
    eps: v.optional(v.number(), 1e-5),
  },
  build(net, x, { width, depth, stemChannels, stages, lastChannels, eps, numClasses }) {
    const g = net.at('features');
    let y = unit(g.at(0), x, { out: divisible(stemChannels * width, 8), kernel: 3, stride: 2, pad: 1, eps });
    stages.forEach((s, i) => {
      const out = divisible(s.out * width, 8);
      for (let j = 0; j < Math.ceil(s.depth * depth); j++) {
        const stride = j === 0 ? s.stride : 1;
        const at = g.at(i + 1).at(j);
        const made = BLOCKS[s.block](at.at('block'), y, { ...s, out, stride, eps });
        y = stride === 1 && g.channels(y) === out ? at.add(made, y) : made;
      }
    });
    y = unit(g.at(stages.length + 1), y, { out: lastChannels ?? 4 * g.channels(y), kernel: 1, eps });
    return { logits: net.at('classifier').linear(net.flatten(net.globalAvgPool(y)), 1, numClasses) };
  },
});
