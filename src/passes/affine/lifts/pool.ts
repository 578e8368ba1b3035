import { AveragePool } from '../../../ops/index.js';
import { notApplicable, isSkip, skip } from '../../rule.js';
import { looksOutside, outputLength, padBegin, padEnd } from '../axis.js';
import { crossed } from '../form.js';
import { lengthsOf } from '../sum.js';
import { product } from '../kernel.js';
import { lift } from '../lift.js';
import { windowAxes } from './conv.js';

/** The mean under each window: a depthwise kernel of equal taps, where every window has all of them. */
export const liftAveragePool = lift(
  AveragePool,
  'AveragePool(x) -> a depthwise convolution with taps 1/k, where every window has all of its k elements',
  (pool, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const taps = pool.attr.kernel_shape;
    const axes = windowAxes(pool.in.x, taps, pool.attr);
    if (!axes) return skip('attributes-misfit');
    if (pool.attr.auto_pad.startsWith('SAME') && axes.some((a) => a.auto)) return skip('auto-pad');
    if (pool.attr.count_include_pad === 0 && axes.some(looksOutside)) return skip('mean-without-padding');
    const lengths = lengthsOf(pool.in.x);
    if (pool.attr.ceil_mode !== 0) {
      const whole = axes.every((a, i) => {
        const length = lengths[i];
        if (a.stride === 1) return true;
        return length !== undefined && outputLength(a, length) === Math.ceil((length + a.slack) / a.stride) + 1;
      });
      if (!whole) return skip('overhang');
    }
    if (axes.some((a) => padBegin(a) < 0 || padEnd(a) < 0)) return skip('negative-pads');
    const size = product(taps);
    const form = at.window(pool, pool.in.x, {}, (below) => ({
      term: {
        inputs: below.outputs,
        outputs: below.outputs,
        groups: below.outputs,
        axes,
        kernel: () => new Float64Array(below.outputs * size).fill(1 / size),
      },
    }));
    return isSkip(form) ? form : crossed(form, { node: pool });
  },
);
