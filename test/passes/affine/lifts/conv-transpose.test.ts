import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,5,5]';
const up = (y: string, x: string, more = ''): string =>
  `${y} = ConvTranspose<strides=[2,2], pads=[1,0,0,1]${more}>(${x}, w.${y}: float32[4,3,3,2])`;

describe('ConvTranspose', () => {
  test.each([
    ['scale and shift above', graph(image, 'y', up('c', 'x'), bn('p', 'c', 3), 'y = Add(p, k: float32[3,1,1])')],
    [
      'an output_padding and dilations',
      graph(
        image,
        'y',
        'c = ConvTranspose<strides=[2,1], dilations=[1,2], output_padding=[1,0]>(x, w: float32[4,3,3,2], d: float32[3])',
        bn('y', 'c', 3),
      ),
    ],
    [
      'an output_shape',
      graph(
        image,
        'y',
        'c = ConvTranspose<strides=[2,2], output_shape=[10,10]>(x, w: float32[4,3,3,3])',
        bn('y', 'c', 3),
      ),
    ],
    [
      'groups',
      graph(
        image,
        'y',
        'c = ConvTranspose<strides=[2,2], group=2>(x, w: float32[4,3,3,3], d: float32[6])',
        bn('y', 'c', 6),
      ),
    ],
    [
      'one axis',
      graph('x: float32[2,4,5]', 'y', 'c = ConvTranspose<strides=[3]>(x, w: float32[4,3,4])', bn('y', 'c', 3)),
    ],
    ['a 1x1 above', graph(image, 'y', up('c', 'x'), 'y = Conv(c, v: float32[3,3,1,1], b: float32[3])')],
    ['a 1x1 without bias below', graph(image, 'y', 'c = Conv(x, v: float32[4,4,1,1])', up('y', 'c'))],
    ['a sum with one of equal geometry', graph(image, 'y', up('p', 'x'), up('q', 'x'), 'y = Add(p, q)')],
  ])('%s', (_, text) => expectMerge(text, { ConvTranspose: 1 }));

  const rows: readonly Row[] = [
    ['transposed-window', graph(image, 'y', up('c', 'x'), 'y = Conv(c, v: float32[3,3,3,3])')],
    ['transposed-twice', graph(image, 'y', 'c = ConvTranspose(x, v: float32[4,4,1,1])', up('y', 'c'))],
    ['transposed-bias', graph(image, 'y', 'c = Conv(x, v: float32[4,4,1,1], b: float32[4])', up('y', 'c'))],
    ['transposed-bias', graph(image, 'y', 'c = Sub(x, m: float32[4,1,1])', up('y', 'c'))],
    [
      'transposed-geometry',
      graph(
        image,
        'y',
        up('p', 'x'),
        'q = ConvTranspose<strides=[2,2], pads=[1,0,0,1], dilations=[1,1]>(x, v: float32[4,3,3,2])',
        'y = Add(p, q)',
      ),
    ],
    ['weight-computed', graph(`${image}, w: float32[4,3,3,3]`, 'y', 'c = ConvTranspose(x, w)', bn('y', 'c', 3))],
    [
      'attributes-misfit',
      graph(image, 'y', 'c = ConvTranspose<group=3>(x, w: float32[4,3,3,3])', bn('y', 'c', 9)),
      'broken',
    ],
    ['channels-last', graph(image, 'y', up('y', 'x'))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
