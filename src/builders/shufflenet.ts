import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { Reshape, Transpose } from '../ops/index.js';
import { int64Tensor } from '../tensor/tensor.js';
import { count, family } from './family.js';
import type { Scope } from './scope.js';

/** Channels a0 a1 .. b0 b1 .. become a0 b0 a1 b1 ... */
function shuffle(g: Scope, x: Value): Value {
  const [c, h, w] = [g.channels(x), g.extent(x, 2), g.extent(x, 3)];
  const reshape = (y: Value, shape: readonly number[], name: string): Value =>
    g.node(Reshape, { x: y, shape: g.constant(int64Tensor([shape.length], shape), `${name}.shape`) }, {}, name).out.y;
  // 0 keeps the batch as it is.
  const split = reshape(x, [0, 2, c / 2, h, w], 'shuffle.split');
  const swapped = g.node(Transpose, { x: split }, { perm: [0, 2, 1, 3, 4] }, 'shuffle.swap').out.y;
  return reshape(swapped, [0, c, h, w], 'shuffle');
}

/** Half of the channels pass through two 1x1 and a depthwise 3x3; with a stride both halves are made anew. arXiv:1807.11164 fig. 3. */
function block(g: Scope, x: Value, out: number, stride: number): Value {
  const half = out / 2;
  const [kept, changed] = stride === 1 ? g.split(x, [half, half]) : [x, x];
  if (!kept || !changed) throw new Error('bug: a split without its parts');
  const depthwise = (y: Value) => ({ out: g.channels(y), kernel: 3, stride, pad: 1, groups: g.channels(y) });
  const first = stride === 1 ? kept : firstBranch(g.at('branch1'), kept, half, depthwise(kept));
  const b = g.at('branch2');
  let y = b.relu(b.convBn(changed, 0, 1, { out: half, kernel: 1 }), 2);
  y = b.convBn(y, 3, 4, depthwise(y));
  y = b.relu(b.convBn(y, 5, 6, { out: half, kernel: 1 }), 7);
  return shuffle(g, g.concat([first, y]));
}

function firstBranch(g: Scope, x: Value, out: number, depthwise: Parameters<Scope['convBn']>[3]): Value {
  return g.relu(g.convBn(g.convBn(x, 0, 1, depthwise), 2, 3, { out, kernel: 1 }), 4);
}

/** ShuffleNet v2 with torchvision's names. */
export const shufflenets = family({
  name: 'shufflenet-v2',
  config: {
    depths: v.optional(v.tuple([count, count, count]), [4, 8, 4]),
    /** Output channels of the stem, the three stages, and the last convolution. */
    channels: v.tuple([count, count, count, count, count]),
  },
  build(g, x, { depths, channels, numClasses }) {
    const [stem, ...rest] = channels;
    const stages = rest.slice(0, 3);
    const odd = stages.find((c) => c % 2 !== 0);
    if (odd !== undefined)
      throw new CnnxError(
        'builder/option',
        `channels has a stage of ${odd}: stages are halved, and need an even number`,
        {
          at: { field: 'channels' },
          hint: `${odd - 1} or ${odd + 1}`,
        },
      );
    const first = g.at('conv1');
    let y = first.relu(first.convBn(x, 0, 1, { out: stem, kernel: 3, stride: 2, pad: 1 }), 2);
    y = g.maxPool(y, { kernel: 3, stride: 2, pad: 1 }, 'maxpool');
    stages.forEach((out, i) => {
      for (let j = 0; j < (depths[i] ?? 1); j++) y = block(g.at(`stage${i + 2}`).at(j), y, out, j === 0 ? 2 : 1);
    });
    const last = g.at('conv5');
    y = last.relu(last.convBn(y, 0, 1, { out: channels[4], kernel: 1 }), 2);
    return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', numClasses) };
  },
});
