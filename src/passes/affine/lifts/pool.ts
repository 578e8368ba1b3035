import { AveragePool } from '../../../ops/index.js';
import { absent, isSkip, skip } from '../../rule.js';
import { looksOutside, outputLength, padBegin, padEnd } from '../axis.js';
import { crossed } from '../form.js';
import { lengthsOf } from '../sum.js';
import { product } from '../kernel.js';
import { lift } from '../lift.js';
import { windowAxes } from './conv.js';

/** The mean under each window: a depthwise kernel of equal taps, where every window has all of them. */
export const liftAveragePool = lift(
  AveragePool,
  'a depthwise window of equal taps, where every window has all of them',
  (pool, at) => {
    if (at.layout !== 'first') return absent('channels are on the last axis');
    const taps = pool.attr.kernel_shape;
    const axes = windowAxes(pool.in.x, taps, pool.attr);
    if (!axes) return skip('attributes that do not fit the window');
    if (pool.attr.auto_pad.startsWith('SAME') && axes.some((a) => a.auto))
      return skip('auto_pad at a length that is not known');
    if (pool.attr.count_include_pad === 0 && axes.some(looksOutside)) return skip('padding is left out of the mean');
    const lengths = lengthsOf(pool.in.x);
    if (pool.attr.ceil_mode !== 0) {
      const whole = axes.every((a, i) => {
        const length = lengths[i];
        if (a.stride === 1) return true;
        return length !== undefined && outputLength(a, length) === Math.ceil((length + a.slack) / a.stride) + 1;
      });
      if (!whole) return skip('ceil_mode, and a window may overhang');
    }
    if (axes.some((a) => padBegin(a) < 0 || padEnd(a) < 0)) return skip('negative pads');
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
