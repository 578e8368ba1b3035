import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { count, family } from './family.js';
import type { Scope } from './scope.js';

interface BlockOptions {
  /** A quarter of the output channels. */
  readonly planes: number;
  readonly stride: number;
  readonly groups: number;
  readonly width: number;
}

/** Split, transform, merge, in the grouped form: 1x1 (grouped too), 3x3 with the stride, 1x1; plus the shortcut. arXiv:1611.05431. */
function block(at: Scope, x: Value, { planes, stride, groups, width }: BlockOptions): Value {
  const out = 4 * planes;
  const g = at.at('split_transforms');
  let y = g.relu(g.convBn(x, 0, 1, { out: width, kernel: 1, groups }), 2);
  y = g.relu(g.convBn(y, 3, 4, { out: width, kernel: 3, stride, pad: 1, groups }), 5);
  y = g.convBn(y, 6, 7, { out, kernel: 1 });
  const same = stride === 1 && at.channels(x) === out;
  return at.relu(at.add(y, same ? x : at.at('shortcut').convBn(x, 0, 1, { out, kernel: 1, stride })));
}

/** ResNeXt for 32 x 32 images: a 3x3 stem, four stages, the same inner width in all of them. */
export const resnextsForCifar = family({
  name: 'resnext-cifar',
  config: {
    layers: v.tuple([count, count, count, count]),
    groups: v.optional(count, 32),
    /** Channels of the inner convolutions. */
    innerWidth: v.optional(count, 128),
  },
  build(g, x, { layers, groups, innerWidth, numClasses }) {
    const stem = g.at('conv1');
    let y = stem.relu(stem.convBn(x, 0, 1, { out: 64, kernel: 3, pad: 1 }), 2);
    layers.forEach((depth, stage) => {
      for (let i = 0; i < depth; i++) {
        const stride = i === 0 && stage > 0 ? 2 : 1;
        y = block(g.at(`conv${stage + 2}`).at(i), y, { planes: 64 * 2 ** stage, stride, groups, width: innerWidth });
      }
    });
    return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', numClasses) };
  },
});
