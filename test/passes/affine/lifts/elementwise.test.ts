import { describe, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';
const conv = (y: string, x = 'x', pad = 1): string =>
  `${y} = Conv<pads=[${pad},${pad},${pad},${pad}]>(${x}, w.${y}: float32[4,4,${2 * pad + 1},${2 * pad + 1}], b.${y}: float32[4])`;

describe.each(['Add', 'Sub', 'Mul', 'Div'])('%s', (op) => {
  test.each(['[4,1,1]', '[1,4,1,1]', '[]', '[1]', '[1,1,1,1]'])('a constant of shape %s for each channel', (shape) =>
    expectMerge(graph(image, 'y', conv('c'), `y = ${op}(c, k: float32${shape})`), { Conv: 1 }),
  );

  const rows: readonly Row[] = [
    // A rank-1 constant lies along W, even when W = C.
    ['constant-not-per-channel', graph('x: float32[n,4,4,4]', 'y', conv('c'), `y = ${op}(c, k: float32[4])`)],
    ['constant-not-per-channel', graph(image, 'y', conv('c'), `y = ${op}(c, k: float32[9,1])`)],
    ['constant-rank', graph(image, 'y', conv('c'), `y = ${op}(c, k: float32[1,1,1,1,1])`)],
    ['constant-broadcasts', graph(image, 'y', 'c = Conv(x, w: float32[1,4,3,3])', `y = ${op}(c, k: float32[4,1,1])`)],
    ['constant-not-float', graph(image, 'y', conv('c'), `y = ${op}(c, k: int64[])`), 'broken'],
    ['constant-not-finite', graph(image, 'y', conv('c'), `y = ${op}(c, k: float32[] = [inf])`), 'broken'],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});

// A convolution could take the last factor of a GELU into its weights; onnxruntime would then not find its kernel for the whole. The float64
// reference has no Erf: test/analysis/patterns.test.ts compares.
test.each([
  ['Mul', 'y = Mul(p, h: float32[] = [0.5])'],
  ['Div', 'y = Div(p, h: float32[] = [2])'],
])('left alone: the last step of an activation, a %s', (_op, last) => {
  const gelu = [
    'd = Div(x, r: float32[] = [1.4142135])',
    'e = Erf(d)',
    'a = Add(e, one: float32[] = [1])',
    'p = Mul(x, a)',
    last,
  ];
  return expectLeft(['activation', graph(image, 'z', ...gelu, conv('z', 'y', 0)), 'broken']);
});

describe('sums of windows on one source', () => {
  const add = (a: string, b: string): string => graph(image, 'y', conv('p', 'x', 1), a, b);
  test.each([
    ['3x3 + 1x1', add(conv('q', 'x', 0), 'y = Add(p, q)')],
    ['3x3 + 5x5', add(conv('q', 'x', 2), 'y = Add(p, q)')],
    ['3x3 - 1x1', add(conv('q', 'x', 0), 'y = Sub(p, q)')],
    ['a Sum of three', graph(image, 'y', conv('p', 'x', 1), conv('q', 'x', 0), conv('r', 'x', 1), 'y = Sum(p, q, r)')],
    [
      'a Mean of three',
      graph(image, 'y', conv('p', 'x', 1), conv('q', 'x', 0), conv('r', 'x', 1), 'y = Mean(p, q, r)'),
    ],
    [
      '1x3 + 3x1 + 3x3',
      graph(
        image,
        'y',
        conv('p', 'x', 1),
        'q = Conv<pads=[0,1,0,1]>(x, v: float32[4,4,1,3])',
        'r = Conv<pads=[1,0,1,0]>(x, u: float32[4,4,3,1])',
        's = Add(q, r)',
        'y = Add(p, s)',
      ),
    ],
    ['the source itself', graph(image, 'y', conv('p'), 'y = Add(p, x)')],
    ['a scale of the source, first', graph(image, 'y', bn('n', 'x', 4), conv('p'), 'y = Add(n, p)')],
    ['the negative of one', graph(image, 'y', conv('p'), conv('q'), 'n = Neg(q)', 'y = Add(p, n)')],
    ['grouped and dense', graph(image, 'y', conv('p'), 'q = Conv<group=2>(x, v: float32[4,2,1,1])', 'y = Add(p, q)')],
    [
      'dilations differ, but one has a single tap',
      graph(
        image,
        'y',
        'p = Conv<pads=[2,2,2,2], dilations=[2,2]>(x, w: float32[4,4,3,3])',
        conv('q', 'x', 0),
        'y = Add(p, q)',
      ),
    ],
    [
      'a dilated window inside a dense one',
      graph(
        image,
        'y',
        conv('p', 'x', 3),
        'q = Conv<pads=[2,2,2,2], dilations=[2,2]>(x, u: float32[4,4,3,3])',
        'r = Conv<pads=[3,3,3,3], dilations=[3,3]>(x, v: float32[4,4,3,3])',
        's = Add(p, q)',
        'y = Add(s, r)',
      ),
    ],
    [
      'a window that stands off a dilated one by less than the dilation',
      graph(
        image,
        'y',
        conv('p', 'x', 2),
        'q = Conv<pads=[1,1,1,1], dilations=[2,2]>(x, v: float32[4,4,2,2])',
        'y = Add(p, q)',
      ),
    ],
    [
      'sizes equal only at the known length',
      graph(
        'x: float32[2,4,8,8]',
        'y',
        'p = Conv<strides=[2,2], pads=[1,1,0,0]>(x, w: float32[4,4,3,3])',
        'q = Conv<strides=[2,2]>(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'SAME_UPPER at known sizes',
      graph(
        image,
        'y',
        'p = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w: float32[4,4,3,3])',
        'q = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'SAME_LOWER of stride 1 at unknown sizes',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        'p = Conv<auto_pad="SAME_LOWER">(x, w: float32[4,4,3,3])',
        'q = Conv<auto_pad="SAME_LOWER">(x, v: float32[4,4,2,2])',
        'y = Add(p, q)',
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  test('two sources: what each needs, and their sum', () =>
    expectMerge(
      graph(
        `${image}, z: float32[n,4,9,9]`,
        'y',
        conv('p'),
        'q = Conv(x, v: float32[4,4,1,1])',
        conv('r', 'z'),
        's = Add(p, r)',
        'y = Add(s, q)',
      ),
      { Add: 1, Conv: 2 },
    ));

  const rows: readonly Row[] = [
    [
      'strides-differ',
      graph(
        'x: float32[2,4,1,1]',
        'y',
        'p = Conv<strides=[2,2]>(x, w: float32[4,4,1,1])',
        'q = Conv(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    // 1x1 without padding beside 3x3 without padding: sizes 9 and 7 do not add, and h and h - 2 are not proven equal.
    [
      'sizes-differ',
      graph(
        'x: float32[2,4,3,3]',
        'y',
        'p = Conv(x, w: float32[4,4,3,3])',
        'q = Conv(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'sizes-unproven',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        'p = Conv<strides=[8,8]>(x, w: float32[4,4,2,2])',
        'q = Conv<strides=[8,8]>(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'auto-pad',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        'p = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w: float32[4,4,3,3])',
        'q = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'shapes-differ',
      graph(
        'x: float32[2,4,9,9]',
        'y',
        'p = Conv(x, w: float32[1,4,1,1])',
        'q = Conv(x, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'shapes-unproven',
      graph(
        'x: float32[2,4,h,9], z: float32[2,4,1,9]',
        'y',
        'p = Conv(x, w: float32[4,4,1,1])',
        'q = Conv(z, v: float32[4,4,1,1])',
        'y = Add(p, q)',
      ),
    ],
    [
      'element-types',
      graph(
        'x: float32[2,4,9,9]',
        'y',
        'p = Conv(x, w: float32[4,4,1,1])',
        'q = Conv(x, v: float16[4,4,1,1])',
        'y = Add(p, q)',
      ),
      'broken',
    ],
    [
      'many-sources',
      graph(
        image,
        'y',
        ...Array.from({ length: 65 }, (_, i) => `a${i} = LeakyRelu<alpha=${i}.5>(x)`),
        `y = Sum(${Array.from({ length: 65 }, (_, i) => `a${i}`).join(', ')})`,
      ),
    ],
    ['no-constant', graph(`${image}, z: float32[n,4,9,9]`, 'y', conv('c'), 'y = Mul(c, z)')],
    ['no-constant-divisor', graph(image, 'y', conv('c'), 'y = Div(k: float32[4,1,1], c)')],
    ['divides-by-zero', graph(image, 'y', conv('c'), 'y = Div(c, k: float32[4,1,1] = [1,2,0,1])'), 'broken'],
    ['only-constants', graph(image, 'y', 'k = Add(a: float32[1], b: float32[1])', 'y = Mul(x, k)')],
    [
      'other-version',
      '<ir: 3, opset: ["": 6]> (x: float32[2,4]) -> (y)\n y = Add<broadcast=1>(x, k: float32[4])',
      'broken',
    ],
    ['used-elsewhere', graph(image, 'y, z', conv('p'), 'y = Add(p, p)', 'z = Relu(p)')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
