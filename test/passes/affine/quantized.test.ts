import { describe, expect, test } from 'vitest';
import { asFloat64 } from '../../../src/tensor/tensor.js';
import { bn, expectLeft, expectMerge, graph, merged, type Row } from '../../support/lifts.js';

const image = 'x: float32[n,3,6,6]';
const integers = 'q: int8[4,3,3,3]';
const each = 's: float32[4] = [0.02,0.01,0.5,0.25], z: int8[4] = [0,1,-2,3]';
const one = 's: float32[] = [0.02], z: int8[] = [3]';
const weight = (scales: string, axis = '<axis=0>'): string => `w = DequantizeLinear${axis}(${integers}, ${scales})`;
const conv = (bias = ''): string => `c = Conv(x, w${bias})`;
const positive = 'k: float32[4,1,1] = [0.5,1.25,2,0.75]';

describe('a scale into those of a quantised weight', () => {
  test.each([
    ['for each channel', graph(image, 'y', weight(each), conv(), `y = Mul(c, ${positive})`)],
    ['for all', graph(image, 'y', weight(one, ''), conv(), `y = Mul(c, ${positive})`)],
    [
      'without zero points',
      graph(image, 'y', weight('s: float32[] = [0.02]', ''), conv(', b: float32[4]'), `y = Mul(c, ${positive})`),
    ],
    [
      'and a shift into the bias',
      graph(
        image,
        'y',
        weight(each),
        conv(', b: float32[4]'),
        `m = Mul(c, ${positive})`,
        'y = Add(m, l: float32[4,1,1])',
      ),
    ],
    [
      'of a BatchNormalization',
      graph(
        image,
        'y',
        weight(each),
        conv(),
        bn('y', 'c', 4).replace('g.y: float32[4]', 'g.y: float32[4] = [1,2,0.5,3]'),
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { DequantizeLinear: 1, Conv: 1 }));

  test('through a pool, and into Gemm', () =>
    expectMerge(
      graph(
        'x: float32[n,3]',
        'y',
        'w = DequantizeLinear<axis=0>(q: int8[4,3], s: float32[4] = [1,2,3,4])',
        'c = Gemm<transB=1>(x, w, b: float32[4])',
        'y = Mul(c, k: float32[4] = [0.5,1.25,2,0.75])',
      ),
      { DequantizeLinear: 1, Gemm: 1 },
    ));

  test('the integers stay as they are', () => {
    const { before, after } = merged(graph(image, 'y', weight(each), conv(), `y = Mul(c, ${positive})`));
    const bytes = [before, after].map((m) => m.graph.values.get('q')?.initializer?.bytes());
    expect(bytes[1]).toEqual(bytes[0]);
    const scales = after.graph.values.get('s')?.initializer;
    expect(scales && Array.from(asFloat64(scales))).toEqual(
      [0.02, 0.01, 0.5, 0.25].map((s, i) => Math.fround(Math.fround(s) * ([0.5, 1.25, 2, 0.75][i] ?? 0))),
    );
  });

  const rows: readonly Row[] = [
    ['scale-negative', graph(image, 'y', weight(each), conv(), 'y = Mul(c, k: float32[4,1,1] = [1,-1,1,1])')],
    ['used-elsewhere', graph(image, 'y, w', weight(each), conv(), `y = Mul(c, ${positive})`)],
    [
      'parameter-length',
      graph(
        image,
        'y',
        'w = DequantizeLinear<axis=1>(q: int8[4,3,3,3], s: float32[3] = [1,2,3])',
        conv(),
        `y = Mul(c, ${positive})`,
      ),
    ],
    [
      'parameter-length',
      `<ir: 8, opset: ["": 11]> ${graph(image, 'y', weight(one, ''), conv(), `y = Mul(c, ${positive})`)}`,
    ],
    [
      'parameter-computed',
      graph(
        `${image}, s: float32[4]`,
        'y',
        'w = DequantizeLinear<axis=0>(q: int8[4,3,3,3], s)',
        conv(),
        `y = Mul(c, ${positive})`,
      ),
    ],
    [
      'weight-computed',
      graph(
        `${image}, q: int8[4,3,3,3]`,
        'y',
        'w = DequantizeLinear<axis=0>(q, s: float32[4] = [1,2,3,4])',
        conv(),
        `y = Mul(c, ${positive})`,
      ),
      'broken',
    ],
    [
      'not-per-channel-here',
      graph('x: float32[n,3,6,6]', 'y', weight(each), conv(), 'y = Mul(c, k: float32[1,1,4,4])'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
