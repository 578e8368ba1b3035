import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const rows2 = 'x: float32[n,5]';
const gemm = (y: string, x = 'x', attrs = 'transB=1', inputs = 5): string =>
  `${y} = Gemm<${attrs}>(${x}, w.${y}: float32[${attrs.includes('transB=1') ? `4,${inputs}` : `${inputs},4`}], b.${y}: float32[4])`;

describe('Gemm', () => {
  test.each([
    ['a BatchNorm above', graph(rows2, 'y', gemm('c'), bn('y', 'c', 4)), { Gemm: 1 }],
    [
      'alpha, beta, the weight as it stands',
      graph(rows2, 'y', gemm('c', 'x', 'alpha=0.5, beta=2.0'), 'y = Mul(c, k: float32[4])'),
      { Gemm: 1 },
    ],
    ['one above another', graph(rows2, 'y', gemm('c'), gemm('y', 'c', 'transB=1', 4)), { Gemm: 1 }],
    ['without C', graph(rows2, 'y', 'c = Gemm(x, w: float32[5,4])', bn('y', 'c', 4)), { Gemm: 1 }],
    ['beta 0', graph(rows2, 'y', gemm('c', 'x', 'transB=1, beta=0.0'), 'y = Add(c, k: float32[4])'), { Gemm: 1 }],
    ['a scalar C', graph(rows2, 'y', 'c = Gemm(x, w: float32[5,4], k: float32[])', bn('y', 'c', 4)), { Gemm: 1 }],
    [
      'below opset 11, where C is not optional',
      `<ir: 8, opset: ["": 9]> ${graph(rows2, 'y', gemm('c'), 'y = Mul(c, k: float32[])')}`,
      { Gemm: 1 },
    ],
    ['two, summed', graph(rows2, 'y', gemm('p'), gemm('q'), 'y = Add(p, q)'), { Gemm: 1 }],
  ])('%s', (_, text, ops) => expectMerge(text, ops));

  const rows: readonly Row[] = [
    ['first-transposed', graph('x: float32[5,3]', 'y', gemm('c', 'x', 'transA=1, transB=1'), bn('y', 'c', 4))],
    [
      'second-factor-computed',
      graph(`${rows2}, w: float32[5,4]`, 'y', 'c = Gemm(x, w, b: float32[4])', bn('y', 'c', 4)),
    ],
    ['weight-not-matrix', graph('x: int32[3,5]', 'y', 'y = Gemm(x, w: int32[5,4])'), 'broken'],
    ['gemm-bias', graph('x: float32[3,5]', 'y', 'c = Gemm(x, w: float32[5,4], b: float32[3,4])', bn('y', 'c', 4))],
    ['gemm-bias', graph('x: float32[4,5]', 'y', 'c = Gemm(x, w: float32[5,4], b: float32[4,1])', bn('y', 'c', 4))],
    ['channels-last', graph(rows2, 'y', gemm('y'))],
    ['more-macs', graph(rows2, 'y', 'c = Gemm(x, w: float32[5,1])', 'y = Gemm(c, v: float32[1,5])')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('MatMul', () => {
  test.each([
    [
      'a constant added, on rows',
      graph(rows2, 'y', 'c = MatMul(x, w: float32[5,4])', 'd = Add(c, k: float32[4])', bn('y', 'd', 4)),
      { Gemm: 1 },
    ],
    [
      'one above another, on sequences',
      graph('x: float32[n,7,5]', 'y', 'c = MatMul(x, v: float32[5,5])', 'y = MatMul(c, w: float32[5,4])'),
      { MatMul: 1 },
    ],
    [
      'scaled, on sequences',
      graph('x: float32[n,7,5]', 'y', 'c = MatMul(x, w: float32[5,4])', 'y = Mul(c, k: float32[4])'),
      { MatMul: 1 },
    ],
    [
      'scaled and shifted, on sequences: the shift stays beside',
      graph(
        'x: float32[n,7,5]',
        'y',
        'c = MatMul(x, w: float32[5,4])',
        'd = Mul(c, k: float32[4])',
        'y = Add(d, l: float32[4])',
      ),
      { Add: 1, MatMul: 1 },
    ],
    [
      'two, summed',
      graph(
        'x: float32[n,7,5]',
        'y',
        'p = MatMul(x, w: float32[5,4])',
        'q = MatMul(x, v: float32[5,4])',
        'y = Add(p, q)',
      ),
      { MatMul: 1 },
    ],
  ])('%s', (_, text, ops) => expectMerge(text, ops));

  const rows: readonly Row[] = [
    [
      'second-factor-computed',
      graph('x: float32[3,5], z: float32[5,4]', 'y', 'c = MatMul(x, z)', 'y = Mul(c, k: float32[4])'),
    ],
    [
      'weight-not-matrix',
      graph('x: float32[3,2,5]', 'y', 'c = MatMul(x, w: float32[3,5,4])', 'y = Mul(c, k: float32[4])'),
    ],
    ['factor-rank', graph('x: float32[5]', 'y', 'c = MatMul(x, w: float32[5,4])', 'y = Mul(c, k: float32[4])')],
    ['channels-not-first', graph('x: float32[n,7,5]', 'y', 'y = MatMul(x, w: float32[5,4])')],
    [
      'as-many-nodes',
      graph('x: float32[2,7,5], z: float32[2,7,4]', 'y', 'c = MatMul(x, w: float32[5,4])', 'y = Sum(c, z)'),
    ],
    [
      'constant-not-per-channel',
      graph('x: float32[2,4,4]', 'y', 'c = MatMul(x, w: float32[4,4])', 'y = Mul(c, k: float32[4,1])'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
