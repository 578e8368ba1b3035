import { describe, expect, test } from 'vitest';
import { compareNaive, drawFeeds } from '../../../support/equivalence.js';
import { bn, expectLeft, expectMerge, graph, merged, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';
const conv = 'c = Conv<pads=[1,1,1,1]>(x, w: float32[4,4,3,3], d: float32[4])';
const params = 'g: float32[4], b: float32[4], m: float32[4], v: float32[4]';

describe('BatchNormalization', () => {
  const positive: readonly (readonly [string, string, Readonly<Record<string, number>>])[] = [
    ['above a convolution', graph(image, 'y', conv, bn('y', 'c', 4)), { Conv: 1 }],
    [
      'with an epsilon of its own',
      graph(image, 'y', conv, `y = BatchNormalization<epsilon=0.25>(c, ${params})`),
      { Conv: 1 },
    ],
    [
      'below a convolution without padding',
      graph(image, 'y', bn('c', 'x', 4), 'y = Conv(c, w: float32[4,4,3,3])'),
      { Conv: 1 },
    ],
    [
      'above a transposed convolution with groups',
      graph(image, 'y', 'c = ConvTranspose<group=2, strides=[2,2]>(x, w: float32[4,2,3,3])', bn('y', 'c', 4)),
      { ConvTranspose: 1 },
    ],
    [
      'above a product',
      graph('x: float32[n,5]', 'y', 'c = Gemm<transB=1>(x, w: float32[4,5], d: float32[4])', bn('y', 'c', 4)),
      { Gemm: 1 },
    ],
    ['three of them', graph(image, 'y', conv, bn('p', 'c', 4), bn('q', 'p', 4), bn('y', 'q', 4)), { Conv: 1 }],
    [
      'above a sum and a joint',
      graph(
        image,
        'y',
        'p = Conv(x, w: float32[2,4,1,1])',
        'q = Conv(x, v: float32[2,4,1,1])',
        'c = Concat<axis=1>(p, q)',
        bn('y', 'c', 4),
      ),
      { Conv: 1 },
    ],
    ...[7, 9, 14, 15].map(
      (opset) =>
        [
          `as opset ${opset} has it`,
          `<ir: 8, opset: ["": ${opset}]> ${graph(image, 'y', conv, bn('y', 'c', 4))}`,
          { Conv: 1 },
        ] as const,
    ),
  ];
  test.each(positive)('%s', (_, text, ops) => expectMerge(text, ops));

  test('of another element type than what it normalises, whose type the weights keep', () => {
    const text = graph('x: float16[2,4,5,5]', 'y', bn('c', 'x', 4), 'y = Conv(c, w: float16[4,4,1,1])');
    const { before, after, ops } = merged(text);
    expect(ops).toEqual({ Conv: 1 });
    expect([...after.graph.initializers].map((v) => v.initializer?.dtype)).toEqual(['float16', 'float16']);
    expect(compareNaive(before, after, drawFeeds(before), 'float16').ratio).toBeLessThanOrEqual(1);
  });

  const rows: readonly Row[] = [
    ['training-mode', graph(image, 'y', conv, `y, rm, rv = BatchNormalization<training_mode=1>(c, ${params})`)],
    [
      'training-mode',
      `<ir: 8, opset: ["": 7]> ${graph(image, 'y', conv, `y, rm, rv, sm, sv = BatchNormalization(c, ${params})`)}`,
      'broken',
    ],
    ['several-outputs', graph(image, 'y', conv, `y, rm, rv = BatchNormalization<training_mode=1>(c, ${params})`)],
    [
      'per-element-statistics',
      `<ir: 8, opset: ["": 7]> ${graph(image, 'y', conv, `y = BatchNormalization<spatial=0>(c, ${params})`)}`,
      'broken',
    ],
    ['parameter-computed', graph(`${image}, g: float32[4]`, 'y', conv, `y = BatchNormalization(c, ${params})`)],
    [
      'parameter-computed',
      graph(
        `${image}, k: float32[4]`,
        'y',
        conv,
        'h = Relu(k)',
        'y = BatchNormalization(c, g: float32[4], h, m: float32[4], v: float32[4])',
      ),
    ],
    [
      'parameter-not-float',
      graph(image, 'y', conv, 'y = BatchNormalization(c, g: int32[4], b: float32[4], m: float32[4], v: float32[4])'),
      'broken',
    ],
    [
      'parameter-length',
      graph(image, 'y', conv, 'y = BatchNormalization(c, g: float32[4], b: float32[1], m: float32[4], v: float32[4])'),
      'broken',
    ],
    [
      'variance-not-positive',
      graph(
        image,
        'y',
        conv,
        'y = BatchNormalization(c, g: float32[4], b: float32[4], m: float32[4], v: float32[4] = [1,1,-1,1])',
      ),
      'broken',
    ],
    [
      'constant-not-finite',
      graph(
        image,
        'y',
        conv,
        'y = BatchNormalization(c, g: float32[4] = [1,1,inf,1], b: float32[4], m: float32[4], v: float32[4])',
      ),
      'broken',
    ],
    ['channels-last', graph(image, 'y', `y = BatchNormalization(x, ${params})`)],
    ['no-absorber', graph(image, 'y', 'p = Sigmoid(x)', 's = Mul(p, k: float32[4,1,1])', 'y = Relu(s)')],
    ['padded-above-bias', graph(image, 'y', bn('c', 'x', 4), 'y = Conv<pads=[1,1,1,1]>(c, w: float32[4,4,3,3])')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
