import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { count, family, flag } from './family.js';
import type { Scope } from './scope.js';
import { squeezeExcite } from './squeeze-excite.js';

interface BlockOptions {
  readonly out: number;
  readonly stride: number;
  readonly groups: number;
  readonly squeeze: boolean;
  readonly deploy: boolean;
}

/** 3x3, 1x1 and the input itself, each with a BatchNormalization, summed; or the one 3x3 that they merge to. arXiv:2101.03697 fig. 4. */
function block(g: Scope, x: Value, { out, stride, groups, squeeze, deploy }: BlockOptions): Value {
  const large = { out, kernel: 3, stride, pad: 1, groups };
  const sum = (): Value => {
    if (deploy) return g.conv(x, 'rbr_reparam', { ...large, bias: true });
    const identity = stride === 1 && g.channels(x) === out ? g.batchNorm(x, 'rbr_identity') : undefined;
    const dense = g.at('rbr_dense').convBn(x, 'conv', 'bn', large);
    const point = g.at('rbr_1x1').convBn(x, 'conv', 'bn', { out, kernel: 1, stride, groups });
    const both = g.add(dense, point);
    return identity ? g.add(both, identity) : both;
  };
  if (!squeeze) return g.relu(sum(), 'nonlinearity');
  const names = { first: 'down', second: 'up' };
  const scaled = g.registeredFirst('se', () => squeezeExcite(g.at('se'), sum(), Math.floor(out / 16), { names }));
  return g.relu(scaled, 'nonlinearity');
}

/** RepVGG with its authors' names. */
export const repvggs = family({
  name: 'repvgg',
  config: {
    /** Blocks of each stage after the first block. */
    layers: v.tuple([count, count, count, count]),
    /** Of the channels 64, 128, 256 and 512. */
    widths: v.tuple([v.number(), v.number(), v.number(), v.number()]),
    /** Of every second block. */
    groups: v.optional(count, 1),
    squeeze: flag,
    /** The merged form in the place of the training form. */
    deploy: flag,
  },
  build(g, x, { layers, widths, groups, squeeze, deploy, numClasses }) {
    const shared = { squeeze, deploy };
    const stem = Math.min(64, Math.trunc(64 * widths[0]));
    let y = block(g.at('stage0'), x, { ...shared, out: stem, stride: 2, groups: 1 });
    let index = 1;
    layers.forEach((depth, stage) => {
      const out = Math.trunc(64 * 2 ** stage * (widths[stage] ?? 1));
      for (let i = 0; i < depth; i++) {
        const options = { ...shared, out, stride: i === 0 ? 2 : 1, groups: index % 2 === 0 ? groups : 1 };
        y = block(g.at(`stage${stage + 1}`).at(i), y, options);
        index += 1;
      }
    });
    return { logits: g.linear(g.flatten(g.globalAvgPool(y, 'gap')), 'linear', numClasses) };
  },
});
