import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';
const conv = (y: string, x: string, outputs: number, inputs: number, k = 1): string =>
  `${y} = Conv<pads=[${Array(4)
    .fill((k - 1) / 2)
    .join()}]>(${x}, w.${y}: float32[${outputs},${inputs},${k},${k}], b.${y}: float32[${outputs}])`;
const split = (sizes: string): string => `p, q = Split<axis=1>(x, s: int64[2] = [${sizes}])`;

describe('Concat', () => {
  test.each([
    [
      'of windows on one source: stacked',
      graph(image, 'y', conv('p', 'x', 3, 4), conv('q', 'x', 2, 4), 'y = Concat<axis=1>(p, q)'),
    ],
    ['by a negative axis', graph(image, 'y', conv('p', 'x', 3, 4), conv('q', 'x', 2, 4), 'y = Concat<axis=-3>(p, q)')],
    [
      'of windows on neighbouring channels: groups',
      graph(
        image,
        'y',
        split('2,2'),
        conv('c', 'p', 3, 2, 3),
        conv('d', 'q', 3, 2, 3),
        'e = Concat<axis=1>(c, d)',
        bn('y', 'e', 6),
      ),
    ],
    [
      'where one has no bias',
      graph(image, 'y', conv('p', 'x', 3, 4), 'q = Conv(x, v: float32[2,4,1,1])', 'y = Concat<axis=1>(p, q)'),
    ],
    [
      'of windows of several sizes and the source, below a 1x1',
      graph(
        image,
        'y',
        conv('p', 'x', 3, 4, 3),
        conv('q', 'x', 2, 4),
        'r = Conv<pads=[0,1,0,1]>(x, v: float32[2,4,1,3])',
        'c = Concat<axis=1>(p, q, x, r)',
        conv('y', 'c', 4, 11),
      ),
    ],
    [
      'of a dilated window beside a dense one, below a 1x1',
      graph(
        image,
        'y',
        conv('p', 'x', 4, 4, 5),
        'q = Conv<pads=[2,2,2,2], dilations=[2,2]>(x, v: float32[4,4,3,3])',
        'c = Concat<axis=1>(p, q)',
        conv('y', 'c', 4, 8),
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    ['joins-other-axis', graph(image, 'y', conv('p', 'x', 4, 4), conv('q', 'x', 4, 4), 'y = Concat<axis=2>(p, q)')],
    [
      'joins-constant',
      graph('x: float32[2,4,9,9]', 'y', conv('p', 'x', 4, 4), 'y = Concat<axis=1>(p, k: float32[2,1,9,9])'),
    ],
    [
      'joins-sums',
      graph(
        `${image}, z: float32[n,4,9,9]`,
        'y',
        conv('p', 'x', 4, 4),
        's = Add(p, z)',
        conv('q', 'x', 4, 4),
        'y = Concat<axis=1>(s, q)',
      ),
    ],
    [
      'joins-sources',
      graph(
        `${image}, z: float32[n,4,9,9]`,
        'y',
        conv('p', 'x', 4, 4),
        conv('q', 'z', 4, 4),
        'y = Concat<axis=1>(p, q)',
      ),
    ],
    ['more-macs', graph(image, 'y', conv('p', 'x', 4, 4), conv('q', 'x', 4, 4, 3), 'y = Concat<axis=1>(p, q)')],
    ['joined-costs-more', graph(image, 'y', conv('p', 'x', 4, 4), conv('q', 'x', 4, 4, 3), 'y = Concat<axis=1>(p, q)')],
    [
      'joins-unlike-geometry',
      graph(
        'x: float32[2,4,9,9]',
        'y',
        conv('p', 'x', 4, 4),
        'q = ConvTranspose<pads=[1,1,1,1]>(x, v: float32[4,4,3,3])',
        'y = Concat<axis=1>(p, q)',
      ),
    ],
    [
      'joins-unlike-channels',
      graph(image, 'y', split('1,3'), conv('c', 'p', 3, 1), conv('d', 'q', 3, 3), 'y = Concat<axis=1>(c, d)'),
    ],
    [
      'joins-unlike-channels',
      graph(image, 'y', split('2,2'), conv('c', 'q', 3, 2), conv('d', 'p', 3, 2), 'y = Concat<axis=1>(c, d)'),
    ],
    ['channels-last', graph(image, 'y', 'y = Concat<axis=1>(x, x)')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('Split', () => {
  test.each([
    [7, 'p, q = Split<axis=1, split=[2,2]>(x)'],
    [13, split('2,2')],
    [18, 'p, q = Split<axis=1, num_outputs=2>(x)'],
  ] as const)('as opset %i has it', (opset, parts) =>
    expectMerge(
      `<ir: 8, opset: ["": ${opset}]> ${graph(image, 'y', parts, conv('c', 'p', 2, 2, 3), conv('d', 'q', 2, 2, 3), 'y = Concat<axis=1>(c, d)')}`,
      { Conv: 1 },
    ),
  );

  const rows: readonly Row[] = [
    [
      'splits-other-axis',
      graph(
        'x: float32[2,4,8,9]',
        'y',
        'p, q = Split<axis=2>(x, s: int64[2] = [4,4])',
        conv('c', 'p', 2, 4),
        conv('d', 'q', 2, 4),
        'y = Concat<axis=1>(c, d)',
      ),
    ],
    [
      'split-unknown',
      graph('x: float32[2,c,8,9]', 'y', 'p, q = Split<axis=1>(x)', 'y = Mul(p, k: float32[])'),
      'broken',
    ],
    [
      'source-cut-off',
      graph(image, 'y', split('2,2'), conv('c', 'p', 2, 2), 'd = Relu(q)', 'y = Concat<axis=1>(c, d)'),
    ],
    [
      'several-outputs',
      graph(image, 'y', split('2,2'), conv('c', 'p', 2, 2), 'd = Relu(q)', 'y = Concat<axis=1>(c, d)'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('ReduceMean and ReduceSum of a stack', () => {
  const stack = (axis: number, more = ''): readonly string[] => [
    conv('p', 'x', 4, 4, 3),
    conv('q', 'x', 4, 4),
    `u = Unsqueeze(p, i: int64[1] = [${axis}])`,
    `v = Unsqueeze(q, j: int64[1] = [${axis}])`,
    `s = Concat<axis=${axis}>(u, v)${more}`,
  ];
  test.each([0, 1, 2, 4])('along axis %i', (axis) =>
    expectMerge(graph(image, 'y', ...stack(axis), `y = ReduceMean<axes=[${axis}], keepdims=0>(s)`), { Conv: 1 }),
  );
  test('summed', () =>
    expectMerge(graph(image, 'y', ...stack(1), 'y = ReduceSum<keepdims=0>(s, a: int64[1] = [1])'), { Conv: 1 }));
  test('summed, as opset 11 has it', () =>
    expectMerge(
      `<ir: 8, opset: ["": 11]> ${graph(image, 'y', conv('p', 'x', 4, 4, 3), conv('q', 'x', 4, 4), 'u = Unsqueeze<axes=[0]>(p)', 'v = Unsqueeze<axes=[0]>(q)', 's = Concat<axis=0>(u, v)', 'y = ReduceSum<axes=[0], keepdims=0>(s)')}`,
      { Conv: 1 },
    ));
  test('as opset 18 has it', () =>
    expectMerge(
      `<ir: 8, opset: ["": 18]> ${graph(image, 'y', ...stack(0), 'y = ReduceMean<keepdims=0>(s, a: int64[1] = [0])')}`,
      { Conv: 1 },
    ));

  const rows: readonly Row[] = [
    ['no-stack', graph(image, 'y', conv('p', 'x', 4, 4), 'y = ReduceMean<axes=[2,3]>(p)')],
    ['no-stack', graph(image, 'y', ...stack(0), 'y = ReduceMean<axes=[1], keepdims=0>(s)')],
    [
      'no-stack',
      graph(image, 'y', conv('p', 'x', 4, 4), 's = Concat<axis=0>(p, x)', 'y = ReduceMean<axes=[0], keepdims=0>(s)'),
    ],
    ['used-elsewhere', graph(image, 'y, s', ...stack(0), 'y = ReduceMean<axes=[0], keepdims=0>(s)')],
    ['used-elsewhere', graph(image, 'y, u', ...stack(0), 'y = ReduceMean<axes=[0], keepdims=0>(s)')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
