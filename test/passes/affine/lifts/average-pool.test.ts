import { describe, test } from 'vitest';
import { expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';
const pool = (y: string, x: string, attrs: string): string => `${y} = AveragePool<${attrs}>(${x})`;
const narrow = 'v: float32[1,4,1,1]';
// Beside a window that is at least as large, so that the merged one has no more weights.
const beside = (above: string, window = '', bias = ', b: float32[4]'): string =>
  graph(
    image,
    'y',
    `c = Conv<group=4>(x, w: float32[4,1,1,1]${bias})`,
    above,
    `d = Conv<group=4${window}>(x, v: float32[4,1,3,3])`,
    'y = Add(a, d)',
  );
const depthwise = (above: string): string =>
  graph(image, 'y', 'c = Conv<group=4>(x, w: float32[4,1,1,1], b: float32[4])', above);

describe('AveragePool', () => {
  test.each([
    ['above a depthwise 1x1', beside(pool('a', 'c', 'kernel_shape=[3,3], strides=[2,2]'), ', strides=[2,2]')],
    [
      'that counts its padding, above a 1x1 without bias',
      beside(pool('a', 'c', 'kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1'), ', pads=[1,1,1,1]', ''),
    ],
    [
      'ceil_mode where no window overhangs',
      beside(pool('a', 'c', 'kernel_shape=[3,3], strides=[2,2], ceil_mode=1'), ', strides=[2,2]'),
    ],
    [
      'as a branch of a sum',
      graph(
        image,
        'y',
        'p = Conv<pads=[1,1,1,1]>(x, w: float32[4,4,3,3])',
        pool('q', 'x', 'kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1'),
        'y = Add(p, q)',
      ),
    ],
    [
      'with dilations, as opset 19 has them',
      `<ir: 9, opset: ["": 19]> ${beside(pool('a', 'c', 'kernel_shape=[3,3], dilations=[2,2]'), ', dilations=[2,2]')}`,
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    // Inception's pool branch, and DenseNet's transition: merged, the 1x1 would be a 3x3 or run on four times as many pixels.
    [
      'more-macs',
      graph(
        image,
        'y',
        pool('c', 'x', 'kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1'),
        'y = Conv(c, w: float32[8,4,1,1], b: float32[8])',
      ),
    ],
    [
      'more-macs',
      graph(image, 'y', pool('c', 'x', 'kernel_shape=[2,2], strides=[2,2]'), 'y = Conv(c, w: float32[8,4,1,1])'),
    ],
    [
      'more-weights',
      graph(
        image,
        'y',
        'c = Conv(x, w: float32[2,4,1,1], b: float32[2])',
        pool('y', 'c', 'kernel_shape=[2,2], strides=[2,2]'),
      ),
    ],
    ['mean-without-padding', depthwise(pool('y', 'c', 'kernel_shape=[3,3], pads=[1,1,1,1]'))],
    ['overhang', depthwise(pool('y', 'c', 'kernel_shape=[2,2], strides=[2,2], ceil_mode=1'))],
    [
      'auto-pad',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        `c = Conv(x, ${narrow})`,
        pool('y', 'c', 'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER", count_include_pad=1'),
      ),
    ],
    [
      'attributes-misfit',
      graph(image, 'y', `c = Conv(x, ${narrow})`, pool('y', 'c', 'kernel_shape=[3,3], strides=[2]')),
      'broken',
    ],
    [
      'negative-pads',
      graph(
        image,
        'y',
        `c = Conv(x, ${narrow})`,
        pool('y', 'c', 'kernel_shape=[3,3], pads=[-1,0,0,0], count_include_pad=1'),
      ),
      'broken',
    ],
    ['no-absorber', graph(image, 'y', pool('c', 'x', 'kernel_shape=[2,2]'), 'y = Mul(c, k: float32[])')],
    ['padded-above-bias', depthwise(pool('y', 'c', 'kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1'))],
    ['channels-last', graph(image, 'y', pool('y', 'x', 'kernel_shape=[2,2]'))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
