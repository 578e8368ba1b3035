import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { count, family, flag } from './family.js';
import type { Scope } from './scope.js';
import { squeezeExcite } from './squeeze-excite.js';

interface BlockOptions {
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride: number;
  readonly groups: number;
  readonly branches: number;
  readonly squeeze: boolean;
  readonly deploy: boolean;
}

/** Several equal convolutions, a 1x1 beside larger ones, and the input itself, each with a BatchNormalization, summed. arXiv:2206.04040 fig. 3. */
function block(g: Scope, x: Value, options: BlockOptions): Value {
  const { out, kernel, stride, groups, branches, squeeze, deploy } = options;
  const large = { out, kernel, stride, pad: (kernel - 1) / 2, groups };
  const sum = (): Value => {
    if (deploy) return g.conv(x, 'reparam_conv', { ...large, bias: true });
    const skip = stride === 1 && g.channels(x) === out ? g.batchNorm(x, 'rbr_skip') : undefined;
    const convs = Array.from({ length: branches }, (_, i) => g.at('rbr_conv').at(i).convBn(x, 'conv', 'bn', large));
    const point =
      kernel > 1 ? g.at('rbr_scale').convBn(x, 'conv', 'bn', { out, kernel: 1, stride, groups }) : undefined;
    const parts = [point, skip, ...convs].filter((y) => y !== undefined);
    return parts.reduce((a, b) => g.add(a, b));
  };
  if (!squeeze) return g.relu(sum(), 'activation');
  const names = { first: 'reduce', second: 'expand' };
  const scaled = g.registeredFirst('se', () =>
    squeezeExcite(g.at('se'), sum(), Math.max(1, Math.trunc(out / 16)), { names }),
  );
  return g.relu(scaled, 'activation');
}

/** MobileOne with its authors' names. */
export const mobileones = family({
  name: 'mobileone',
  config: {
    /** Pairs of a depthwise and a pointwise block in each stage. */
    layers: v.optional(v.tuple([count, count, count, count]), [2, 8, 10, 1]),
    /** Of the channels 64, 128, 256 and 512. */
    widths: v.tuple([v.number(), v.number(), v.number(), v.number()]),
    /** Equal convolutions side by side in each block. */
    branches: v.optional(count, 1),
    /** In the second half of the third stage and all of the fourth. */
    squeeze: flag,
    /** The merged form in the place of the training form. */
    deploy: flag,
  },
  build(g, x, { layers, widths, branches, squeeze, deploy, numClasses }) {
    const stem = Math.min(64, Math.trunc(64 * widths[0]));
    const plain = { kernel: 3, stride: 2, groups: 1, branches: 1, squeeze: false, deploy } as const;
    let y = block(g.at('stage0'), x, { ...plain, out: stem });
    layers.forEach((depth, stage) => {
      const out = Math.trunc(64 * 2 ** stage * (widths[stage] ?? 1));
      const squeezed = squeeze ? ([0, 0, Math.floor(depth / 2), depth][stage] ?? 0) : 0;
      const at = g.at(`stage${stage + 1}`);
      for (let i = 0; i < depth; i++) {
        const input = g.channels(y);
        const shared = { branches, squeeze: i >= depth - squeezed, deploy };
        y = block(at.at(2 * i), y, { ...shared, out: input, kernel: 3, stride: i === 0 ? 2 : 1, groups: input });
        y = block(at.at(2 * i + 1), y, { ...shared, out, kernel: 1, stride: 1, groups: 1 });
      }
    });
    return { logits: g.linear(g.flatten(g.globalAvgPool(y, 'gap')), 'linear', numClasses) };
  },
});
