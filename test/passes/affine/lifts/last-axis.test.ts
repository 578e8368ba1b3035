import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const tokens = 'x: float32[2,7,5]';
const product = 'p = MatMul(x, w: float32[5,4])';

describe('a BatchNormalization of tokens: Transpose', () => {
  const turn = (norm: readonly string[], perm = '[0,2,1]'): readonly string[] => [
    `t = Transpose<perm=${perm}>(p)`,
    ...norm,
    `y = Transpose<perm=${perm}>(n)`,
  ];
  test.each([
    ['above a product', graph(tokens, 'y', product, ...turn([bn('n', 't', 4)]))],
    ['of tokens whose number is not known', graph('x: float32[n,l,5]', 'y', product, ...turn([bn('n', 't', 4)]))],
    [
      'above a product with its bias',
      graph(tokens, 'y', 'q = MatMul(x, w: float32[5,4])', 'p = Add(q, d: float32[4])', ...turn([bn('n', 't', 4)])),
    ],
    [
      'by two orders of four axes',
      graph(
        'x: float32[2,3,7,5]',
        'y',
        product,
        't = Transpose<perm=[0,3,1,2]>(p)',
        bn('n', 't', 4),
        'y = Transpose<perm=[0,2,3,1]>(n)',
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { MatMul: 1, Add: 1 }));

  const rows: readonly Row[] = [
    [
      'no-inverse',
      graph(
        'x: float32[7,2,5]',
        'y',
        product,
        't = Transpose<perm=[0,2,1]>(p)',
        bn('n', 't', 4),
        'y = Transpose<perm=[2,0,1]>(n)',
      ),
    ],
    [
      'no-inverse',
      graph('x: float32[4,4,4]', 'y', 'p = MatMul(x, w: float32[4,4])', ...turn([bn('n', 't', 4)], '[1,0,2]')),
    ],
    ['no-norm-between', graph(tokens, 'y', product, ...turn(['n = Relu(t)']))],
    ['nothing-to-merge', graph(tokens, 'y, n', product, ...turn([bn('n', 't', 4)]))],
    [
      'training-mode',
      graph(
        tokens,
        'y',
        product,
        't = Transpose<perm=[0,2,1]>(p)',
        'n, m2, v2 = BatchNormalization<training_mode=1>(t, g: float32[4], b: float32[4], m: float32[4], v: float32[4])',
        'y = Transpose<perm=[0,2,1]>(n)',
      ),
      'broken',
    ],
    ['channels-not-last', graph(tokens, 'y', product, ...turn(['n = Sigmoid(t)']))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

describe('a BatchNormalization of rows of tokens: Reshape', () => {
  const shape = 's: int64[3] = [2,7,4]';
  test.each([
    [
      'after Flatten',
      graph(tokens, 'y', product, 't = Flatten<axis=2>(p)', bn('n', 't', 4), `y = Reshape(n, ${shape})`),
    ],
    [
      'after Reshape',
      graph(tokens, 'y', product, 't = Reshape(p, r: int64[2] = [-1,4])', bn('n', 't', 4), `y = Reshape(n, ${shape})`),
    ],
  ])('%s', (_, text) => expectMerge(text, { MatMul: 1, Add: 1 }));

  const rows: readonly Row[] = [
    [
      'no-inverse',
      graph(tokens, 'y', product, 't = Reshape(p, r: int64[2] = [7,8])', bn('n', 't', 8), `y = Reshape(n, ${shape})`),
    ],
    [
      'no-inverse',
      graph(tokens, 'y', product, 't = Flatten<axis=2>(p)', bn('n', 't', 4), 'y = Reshape(n, s: int64[3] = [7,2,4])'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
