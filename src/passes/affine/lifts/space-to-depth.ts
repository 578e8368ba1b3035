import { SpaceToDepth } from '../../../ops/index.js';
import { isSkip, notApplicable, skip } from '../../rule.js';
import type { Axis } from '../axis.js';
import { crossed } from '../form.js';
import { lift } from '../lift.js';

/** Each block of b x b pixels becomes channels: a convolution with b x b taps and stride b, one of them 1 for each output. */
export const liftSpaceToDepth = lift(
  SpaceToDepth,
  'Conv(SpaceToDepth(x, b), w) of stride s -> Conv(x, w) with b times the taps and stride b * s',
  (node, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const b = node.attr.blocksize;
    if (b < 1 || b > MAX_BLOCK) return skip('attributes-misfit');
    // The lengths are multiples of b, so that no window looks outside.
    const axis: Axis = { taps: b, stride: b, dilation: 1, offset: 0, slack: -1 };
    const form = at.window(
      node,
      node.in.x,
      {},
      (below) => {
        const inputs = below.outputs;
        const outputs = inputs * b * b;
        const kernel = (): Float64Array => {
          const k = new Float64Array(outputs * inputs * b * b);
          for (let c = 0; c < inputs; c++)
            for (let tap = 0; tap < b * b; tap++) {
              const o = node.attr.mode === 'CRD' ? c * b * b + tap : tap * inputs + c;
              k[(o * inputs + c) * b * b + tap] = 1;
            }
          return k;
        };
        return { term: { inputs, outputs, groups: 1, axes: [axis, axis], kernel } };
      },
      () => true,
    );
    if (isSkip(form)) return form;
    return form.terms[0]?.axes.length === 2 ? crossed(form, { node }) : skip('attributes-misfit');
  },
);

/** Blocks beyond this are of no network, and their kernels large. */
const MAX_BLOCK = 16;
