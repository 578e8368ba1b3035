import { describe, test } from 'vitest';
import { expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';
const pad = (y: string, x: string, amounts: string, value = '', attrs = 'mode="constant"'): string =>
  `${y} = Pad<${attrs}>(${x}, p.${y}: int64[8] = [${amounts}]${value})`;
const conv = (y: string, x: string, bias = ''): string => `${y} = Conv(${x}, w.${y}: float32[4,4,3,3]${bias})`;
const around = '0,0,1,2,0,0,2,1';

describe('Pad', () => {
  test.each([
    ['below a convolution', graph(image, 'y', pad('c', 'x', around), conv('y', 'c'))],
    [
      'below a convolution of a sum, cropping',
      graph(
        image,
        'y',
        pad('c', 'x', '0,0,-1,0,0,0,-1,0'),
        'd = Conv(c, v: float32[4,4,1,3], b: float32[4])',
        conv('e', 'x'),
        'y = Add(d, e)',
      ),
    ],
    [
      'above a 1x1 without bias',
      graph(image, 'y', 'c = Conv(x, v: float32[4,4,1,1])', pad('y', 'c', '0,0,1,1,0,0,1,1')),
    ],
    [
      'with the bias of what is below',
      graph(
        image,
        'y',
        'c = Conv(x, v: float32[4,4,1,1], b: float32[4] = [0.5,0.5,0.5,0.5])',
        pad('d', 'c', '0,0,1,1,0,0,1,1', ', q: float32[] = [0.5]'),
        'y = Conv(d, w: float32[4,4,3,3])',
      ),
    ],
    [
      'as opset 7 has it',
      `<ir: 8, opset: ["": 7]> ${graph(image, 'y', `c = Pad<pads=[${around}]>(x)`, conv('y', 'c'))}`,
    ],
    [
      'with axes, as opset 18 has them',
      `<ir: 8, opset: ["": 18]> ${graph(image, 'y', 'c = Pad(x, p: int64[4] = [1,0,2,1], _, a: int64[2] = [-1,2])', conv('y', 'c'))}`,
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    ['amounts-computed', graph(`${image}, q: float32[]`, 'y', pad('c', 'x', around, ', q'), conv('y', 'c'))],
    ['pad-channels', graph('x: float32[2,3,9,9]', 'y', pad('c', 'x', '0,0,0,0,0,1,0,0'), conv('y', 'c'))],
    ['pad-not-bias', graph(image, 'y', pad('c', 'x', around, ', q: float32[] = [0.5]'), conv('y', 'c'))],
    ['pad-not-bias', graph(image, 'y', conv('c', 'x', ', b: float32[4]'), pad('y', 'c', around))],
    // The two differ by less than a rounding in float32, but not in float64.
    [
      'pad-not-bias',
      '(x: float64[2,4,5,5]) -> (y)\n c = Conv(x, v: float64[4,4,1,1], b: float64[4] = [0.5,0.5,0.5,0.5])\n d = Pad(c, p: int64[8] = [0,0,1,1,0,0,1,1], q: float64[] = [0.50000001])\n y = Conv(d, w: float64[4,4,3,3])',
      'broken',
    ],
    ['padded-above-window', graph(image, 'y', conv('c', 'x'), pad('y', 'c', '0,0,1,1,0,0,1,1'))],
    // A crop would be written as zero taps.
    ['more-macs', graph(image, 'y', pad('c', 'x', '0,0,-1,0,0,0,0,-2'), conv('y', 'c', ', b: float32[4]'))],
    ['amount-missing', graph(image, 'y', 'c = Pad(x, p: int64[6] = [0,0,1,0,0,1])', conv('y', 'c')), 'broken'],
    ['channels-last', graph(image, 'y', pad('y', 'x', around))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

const slice = (y: string, x: string, axes: string, starts: string, ends: string, steps = ''): string => {
  const n = axes.split(',').length;
  const list = (name: string, values: string): string => `${name}.${y}: int64[${n}] = [${values}]`;
  return `${y} = Slice(${x}, ${list('s', starts)}, ${list('e', ends)}, ${list('a', axes)}${steps === '' ? '' : `, ${list('t', steps)}`})`;
};

describe('Slice', () => {
  test.each([
    [
      'crops what is convolved',
      graph(
        image,
        'y',
        slice('c', 'x', '2,3', '1,0', '-1,9'),
        'd = Conv(c, v: float32[4,4,1,3])',
        conv('e', 'x'),
        'y = Add(d, e)',
      ),
      { Conv: 1 },
    ],
    [
      'crops to the end of an unknown length',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        slice('c', 'x', '2', '2', '9223372036854775807'),
        'd = Conv(c, v: float32[4,4,1,3])',
        conv('e', 'x'),
        'y = Add(d, e)',
      ),
      { Conv: 1 },
    ],
    [
      'selects channels of a convolution',
      graph(image, 'y', conv('c', 'x', ', b: float32[4]'), slice('y', 'c', '1', '1', '3')),
      { Conv: 1 },
    ],
    [
      'as opset 7 has it',
      `<ir: 8, opset: ["": 7]> ${graph(image, 'y', 'c = Slice<axes=[3], starts=[1], ends=[-1]>(x)', 'd = Conv(c, v: float32[4,4,3,1])', conv('e', 'x'), 'y = Add(d, e)')}`,
      { Conv: 1 },
    ],
    [
      'neighbouring channels, convolved and joined',
      graph(
        image,
        'y',
        slice('p', 'x', '1', '0', '2'),
        slice('q', 'x', '1', '2', '4'),
        'c = Conv(p, v: float32[3,2,3,3], b: float32[3])',
        'd = Conv(q, w: float32[3,2,3,3], e: float32[3])',
        'y = Concat<axis=1>(c, d)',
      ),
      { Conv: 1 },
    ],
  ])('%s', (_, text, ops) => expectMerge(text, ops));

  const rows: readonly Row[] = [
    ['slices-batch', graph('x: float32[4,4,9,9]', 'y', slice('c', 'x', '0', '0', '2'), conv('y', 'c'))],
    [
      'range-computed',
      graph(
        'x: float32[2,4,9,9], k: float32[1]',
        'y',
        'i = Cast<to=7>(k)',
        'c = Slice(x, s: int64[1] = [0], i, a: int64[1] = [2])',
        'y = Mul(c, m: float32[])',
      ),
      'broken',
    ],
    ['range-unknown', graph('x: float32[n,4,h,h]', 'y', slice('c', 'x', '2', '1', '8'), conv('y', 'c'))],
    [
      'range-unknown',
      graph('x: float32[n,4,h,h]', 'y', slice('c', 'x', '2', '-5', '9223372036854775807'), conv('y', 'c')),
    ],
    ['source-cut-off', graph(image, 'y', slice('c', 'x', '1', '0', '2'), 'y = Conv(c, w: float32[4,2,3,3])')],
    ['needs-part', graph(image, 'y', slice('c', 'x', '1', '0', '2'), 'y = Conv(c, w: float32[4,2,3,3])')],
    ['channels-last', graph(image, 'y', slice('y', 'x', '2', '0', '2'))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
