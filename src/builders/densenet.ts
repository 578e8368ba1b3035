import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { count, family } from './family.js';
import type { Scope } from './scope.js';

interface LayerOptions {
  readonly growthRate: number;
  readonly bnSize: number;
  readonly bottleneck: boolean;
}

/** BN, ReLU, 3x3; with a bottleneck BN, ReLU, 1x1, BN, ReLU, 3x3. */
function layer(g: Scope, x: Value, { growthRate, bnSize, bottleneck }: LayerOptions): Value {
  const y = g.relu(g.batchNorm(x, 'norm1'), 'relu1');
  if (!bottleneck) return g.conv(y, 'conv1', { out: growthRate, kernel: 3, pad: 1 });
  const z = g.convBn(y, 'conv1', 'norm2', { out: bnSize * growthRate, kernel: 1 });
  return g.conv(g.relu(z, 'relu2'), 'conv2', { out: growthRate, kernel: 3, pad: 1 });
}

/** Each layer sees the concatenation of all before it. */
function denseBlock(g: Scope, x: Value, layers: number, options: LayerOptions): Value {
  const features = [x];
  for (let i = 1; i <= layers; i++) {
    const at = g.at(`denselayer${i}`);
    features.push(layer(at, i === 1 ? x : at.concat(features), options));
  }
  return g.concat(features);
}

function transition(g: Scope, x: Value, out: number): Value {
  const y = g.conv(g.relu(g.batchNorm(x, 'norm'), 'relu'), 'conv', { out, kernel: 1 });
  return g.avgPool(y, { kernel: 2, stride: 2 });
}

/** Three equal blocks: depth L counts the stem, two transitions, the classifier, and one or two convolutions for each layer. */
function blocksOf(depth: number, bottleneck: boolean): readonly number[] {
  const per = bottleneck ? 6 : 3;
  const layers = Math.floor((depth - 4) / per);
  if (layers < 1 || (depth - 4) % per !== 0) {
    const below = Math.max(1, layers) * per + 4;
    throw new CnnxError(
      'builder/option',
      `depth ${depth}: (${depth} - 4) / ${per} is the number of layers in each of three blocks, and has to be whole and at least 1`,
      {
        at: { field: 'depth' },
        hint: `depths that work: ${below}, ${below + per}`,
      },
    );
  }
  return [layers, layers, layers];
}

/** DenseNet. arXiv:1608.06993; torchvision's names. */
export const densenets = family({
  name: 'densenet',
  config: {
    /** `imagenet`: 7x7 stride 2, BN, ReLU, max pool. `cifar`: a bare 3x3. */
    stem: v.picklist(['imagenet', 'cifar']),
    /** Layers in each block. */
    blockConfig: v.optional(v.pipe(v.array(count), v.minLength(1))),
    /** L of the paper, in the place of `blockConfig`: three equal blocks. */
    depth: v.optional(count),
    /** k of the paper: channels that each layer adds. */
    growthRate: count,
    /** Channels of the stem; 2k with a bottleneck and 16 without one if absent. */
    initFeatures: v.optional(count),
    bottleneck: v.optional(v.boolean(), true),
    /** Width of a bottleneck over the growth rate. */
    bnSize: v.optional(count, 4),
    /** Share of the channels that a transition keeps. */
    theta: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), 1),
  },
  build(net, x, c) {
    if ((c.blockConfig === undefined) === (c.depth === undefined))
      throw new CnnxError(
        'builder/option',
        `either depth or blockConfig says how many layers there are; found ${c.depth === undefined ? 'neither' : 'both'}`,
        {
          at: { field: 'blockConfig' },
        },
      );
    const blocks = c.blockConfig ?? blocksOf(c.depth ?? 0, c.bottleneck);
    const g = net.at('features');
    const out = c.initFeatures ?? (c.bottleneck ? 2 * c.growthRate : 16);
    let y = x;
    if (c.stem === 'cifar') y = g.conv(x, 'conv0', { out, kernel: 3, pad: 1 });
    else {
      y = g.relu(g.convBn(x, 'conv0', 'norm0', { out, kernel: 7, stride: 2, pad: 3 }), 'relu0');
      y = g.maxPool(y, { kernel: 3, stride: 2, pad: 1 }, 'pool0');
    }
    blocks.forEach((layers, i) => {
      y = denseBlock(g.at(`denseblock${i + 1}`), y, layers, c);
      if (i < blocks.length - 1) y = transition(g.at(`transition${i + 1}`), y, keep(g, y, c.theta, i + 1));
    });
    y = net.relu(g.batchNorm(y, 'norm5'));
    return { logits: net.linear(net.flatten(net.globalAvgPool(y)), 'classifier', c.numClasses) };
  },
});

function keep(g: Scope, x: Value, theta: number, index: number): number {
  const kept = Math.floor(g.channels(x) * theta);
  if (kept >= 1) return kept;
  throw new CnnxError('builder/option', `theta ${theta} of ${g.channels(x)} channels leaves none`, {
    at: { node: g.name(`transition${index}`), field: 'theta' },
    hint: `theta has to be at least ${1 / g.channels(x)}`,
  });
}
