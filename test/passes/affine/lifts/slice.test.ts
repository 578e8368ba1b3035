import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,8,8]';
const ints = (name: string, values: readonly number[]): string =>
  `${name}: int64[${values.length}] = [${values.join()}]`;
const slice = (
  y: string,
  x: string,
  axes: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): string =>
  `${y} = Slice(${x}, ${ints(`s.${y}`, starts)}, ${ints(
    `e.${y}`,
    axes.map(() => 2 ** 31 - 1),
  )}, ${ints(`a.${y}`, axes)}, ${ints(`t.${y}`, steps)})`;
const conv = (y: string, x: string, inputs = 4, attrs = ''): string =>
  `${y} = Conv${attrs}(${x}, w.${y}: float32[3,${inputs},3,3], b.${y}: float32[3])`;
/** The four phases of a 2 x 2 block, joined. */
const focus = (y: string, x: string): readonly string[] => [
  ...[0, 1, 2, 3].map((i) => slice(`p${i}`, x, [2, 3], [i % 2, i >> 1], [2, 2])),
  `${y} = Concat<axis=1>(p0, p1, p2, p3)`,
];

describe('Slice with steps', () => {
  test.each([
    ['a phase', graph(image, 'y', slice('p', 'x', [2], [0], [2]), conv('y', 'p'))],
    ['space to depth, under a convolution', graph(image, 'y', ...focus('c', 'x'), conv('y', 'c', 16))],
    [
      'under a padded convolution',
      graph(image, 'y', ...focus('c', 'x'), conv('d', 'c', 16, '<pads=[1,1,1,1]>'), bn('y', 'd', 3)),
    ],
    [
      'under a padded convolution with a stride',
      graph(image, 'y', ...focus('c', 'x'), conv('y', 'c', 16, '<pads=[1,1,1,1], strides=[2,2]>')),
    ],
    [
      'at a size that is not known, since Concat wants equal ones',
      graph('x: float32[n,4,n,n]', 'y', ...focus('c', 'x'), conv('y', 'c', 16, '<pads=[1,1,1,1]>')).replace(
        '[n,4,h,w]',
        '[n,4,h,8]',
      ),
    ],
    [
      'two Slices for each phase, some of them shared',
      graph(
        image,
        'y',
        slice('r0', 'x', [2], [0], [2]),
        slice('r1', 'x', [2], [1], [2]),
        ...[0, 1, 2, 3].map((i) => slice(`p${i}`, `r${i % 2}`, [3], [i >> 1], [2])),
        'c = Concat<axis=1>(p0, p1, p2, p3)',
        conv('y', 'c', 16, '<pads=[1,1,1,1]>'),
      ),
    ],
    ['SpaceToDepth', graph(image, 'y', 'c = SpaceToDepth<blocksize=2>(x)', conv('y', 'c', 16, '<pads=[1,1,1,1]>'))],
    [
      'SpaceToDepth above a 1x1',
      graph(image, 'y', 'a = Conv(x, v: float32[4,4,1,1])', 'c = SpaceToDepth<blocksize=2>(a)', conv('y', 'c', 16)),
    ],
    [
      'channels in the other order',
      graph(image, 'y', slice('p', 'x', [1], [-1], [-1]).replace('2147483647', '-9223372036854775807'), conv('y', 'p')),
    ],
    ['channels of a convolution', graph(image, 'y', conv('c', 'x'), slice('y', 'c', [1], [0], [2]))],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    [
      'slice-reverses',
      graph(image, 'y', slice('p', 'x', [2], [-1], [-1]).replace('2147483647', '-9223372036854775807'), conv('y', 'p')),
    ],
    [
      'padded-above-bias',
      graph(
        image,
        'y',
        'a = Conv(x, v: float32[4,4,1,1], b: float32[4])',
        slice('p', 'a', [2], [1], [2]),
        conv('y', 'p', 4, '<pads=[1,1,1,1]>'),
      ),
    ],
    ['padded-above-window', graph(image, 'y', slice('p', 'x', [2], [1], [1]), conv('y', 'p', 4, '<pads=[1,1,1,1]>'))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('Gather of channels', () => {
  const gather = (y: string, x: string, index: readonly number[], axis = 1): string =>
    `${y} = Gather<axis=${axis}>(${x}, ${ints(`i.${y}`, index)})`;
  test.each([
    ['below a convolution', graph(image, 'y', gather('p', 'x', [3, 2, 1, 0]), conv('y', 'p'))],
    [
      'by negative indices and axis',
      graph(image, 'y', gather('p', 'x', [-1, 2, 0, 1], -3), conv('y', 'p', 4, '<pads=[1,1,1,1]>')),
    ],
    ['above a convolution', graph(image, 'y', conv('c', 'x'), gather('y', 'c', [2, 0]))],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    ['more-macs', graph(image, 'y', gather('p', 'x', [3, 0]), conv('y', 'p', 2))],
    ['gathers-other-axis', graph(image, 'y', gather('p', 'x', [3, 0, 1], 2), conv('y', 'p'))],
    [
      'indices-computed',
      graph('x: float32[n,4,8,8], i: int64[4]', 'y', 'p = Gather<axis=1>(x, i)', conv('y', 'p')),
      'broken',
    ],
    [
      'indices-computed',
      graph(
        image,
        'y',
        'p = Gather<axis=1>(x, i: int64[] = [0])',
        'r = Unsqueeze(p, a: int64[1] = [1])',
        conv('y', 'r', 1),
      ),
      'broken',
    ],
    ['rank-unknown', graph('x: float32', 'y', gather('p', 'x', [3, 0]), conv('y', 'p', 2)), 'broken'],
    ['source-cut-off', graph(image, 'y', gather('p', 'x', [3, 0]), conv('y', 'p', 2))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('SpaceToDepth', () => {
  const rows: readonly Row[] = [
    [
      'padded-above-bias',
      graph(
        image,
        'y',
        'a = Conv(x, v: float32[4,4,1,1], b: float32[4])',
        'r = SpaceToDepth<blocksize=2>(a)',
        conv('y', 'r', 16, '<pads=[1,1,1,1]>'),
      ),
    ],
    [
      'attributes-misfit',
      graph('x: float32[n,1,32,32]', 'y', 'c = SpaceToDepth<blocksize=32>(x)', 'y = Conv(c, w: float32[3,1024,1,1])'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
