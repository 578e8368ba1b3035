import type { Value } from '../graph/ir.js';
import { family, scale } from './family.js';
import { divisible } from './rounding.js';
import type { Scope } from './scope.js';

/** Stacks of inverted residuals. arXiv:1807.11626 fig. 7: MnasNet-B1. */
const STACKS = [
  { out: 24, kernel: 3, stride: 2, expand: 3, depth: 3 },
  { out: 40, kernel: 5, stride: 2, expand: 3, depth: 3 },
  { out: 80, kernel: 5, stride: 2, expand: 6, depth: 3 },
  { out: 96, kernel: 3, stride: 1, expand: 6, depth: 2 },
  { out: 192, kernel: 5, stride: 2, expand: 6, depth: 4 },
  { out: 320, kernel: 3, stride: 1, expand: 6, depth: 1 },
] as const;

interface BlockOptions {
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
}

function block(g: Scope, x: Value, { out, kernel, stride, expand }: BlockOptions): Value {
  const input = g.channels(x);
  const hidden = input * expand;
  let y = g.relu(g.convBn(x, 0, 1, { out: hidden, kernel: 1 }), 2);
  y = g.relu(g.convBn(y, 3, 4, { out: hidden, kernel, stride, pad: (kernel - 1) / 2, groups: hidden }), 5);
  y = g.convBn(y, 6, 7, { out, kernel: 1 });
  return stride === 1 && input === out ? g.add(y, x) : y;
}

/** MNASNet B1 with torchvision's names. */
export const mnasnets = family({
  name: 'mnasnet',
  config: {
    /** Multiplies all channels but the last convolution's, which are then rounded to multiples of 8. */
    width: scale,
  },
  build(net, x, { width, numClasses }) {
    const g = net.at('layers');
    const scaled = (channels: number): number => divisible(channels * width, 8);
    const stem = scaled(32);
    let y = g.relu(g.convBn(x, 0, 1, { out: stem, kernel: 3, stride: 2, pad: 1 }), 2);
    y = g.relu(g.convBn(y, 3, 4, { out: stem, kernel: 3, pad: 1, groups: stem }), 5);
    y = g.convBn(y, 6, 7, { out: scaled(16), kernel: 1 });
    STACKS.forEach((stack, i) => {
      for (let j = 0; j < stack.depth; j++) {
        const options = { ...stack, out: scaled(stack.out), stride: j === 0 ? stack.stride : 1 };
        y = block(
          g
            .at(i + 8)
            .at(j)
            .at('layers'),
          y,
          options,
        );
      }
    });
    y = g.relu(g.convBn(y, 14, 15, { out: 1280, kernel: 1 }), 16);
    return { logits: net.at('classifier').linear(net.flatten(net.globalAvgPool(y)), 1, numClasses) };
  },
});
