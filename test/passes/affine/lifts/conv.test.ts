import { describe, expect, test } from 'vitest';
import { bn, expectLeft, expectMerge, graph, merged, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,9,9]';

describe('Conv', () => {
  test.each([
    [
      'one axis',
      graph('x: float32[2,4,9]', 'y', 'c = Conv<pads=[1,1]>(x, w: float32[6,4,3], b: float32[6])', bn('y', 'c', 6)),
    ],
    ['two axes', graph(image, 'y', 'c = Conv<pads=[1,1,1,1]>(x, w: float32[6,4,3,3])', bn('y', 'c', 6))],
    [
      'three axes',
      graph('x: float32[2,4,5,5,5]', 'y', 'c = Conv<strides=[1,2,1]>(x, w: float32[6,4,3,1,2])', bn('y', 'c', 6)),
    ],
    [
      'groups, strides and dilations',
      graph(
        image,
        'y',
        'c = Conv<group=2, strides=[2,1], dilations=[1,2], pads=[0,1,2,1]>(x, w: float32[6,2,3,3])',
        bn('y', 'c', 6),
      ),
    ],
    [
      'auto_pad with a stride at an unknown size',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        'c = Conv<auto_pad="SAME_LOWER", strides=[2,2]>(x, w: float32[6,4,3,3])',
        bn('y', 'c', 6),
      ),
    ],
    [
      '1x1 below a padded window, no bias between',
      graph(
        image,
        'y',
        'c = Conv(x, v: float32[4,4,1,1])',
        'y = Conv<pads=[1,1,1,1]>(c, w: float32[4,4,3,3], b: float32[4])',
      ),
    ],
    [
      '1x1 with a bias below a window without padding',
      graph(
        image,
        'y',
        'c = Conv(x, v: float32[4,4,1,1], d: float32[4])',
        'y = Conv(c, w: float32[4,4,3,3], b: float32[4])',
      ),
    ],
    [
      '1x1 of stride 2 below: dilations, strides and pads grow',
      graph(
        image,
        'y',
        'c = Conv<strides=[2,2]>(x, v: float32[4,4,1,1])',
        'y = Conv<pads=[1,0,1,0], strides=[1,2]>(c, w: float32[4,4,3,3])',
      ),
    ],
    [
      '1x1 above any window',
      graph(
        image,
        'y',
        'c = Conv<pads=[1,1,1,1], strides=[2,2]>(x, v: float32[4,4,3,3], d: float32[4])',
        'y = Conv(c, w: float32[4,4,1,1])',
      ),
    ],
    [
      'grouped below grouped',
      graph(
        image,
        'y',
        'c = Conv<group=4>(x, v: float32[4,1,1,1], d: float32[4])',
        'y = Conv<group=2>(c, w: float32[4,2,3,3])',
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  test('above a sum of two other values, which stays', () =>
    expectMerge(
      graph(
        'x: float32[n,4,9,9], u: float32[n,4,9,9]',
        'y',
        's = Add(x, u)',
        'c = Conv<pads=[1,1,1,1]>(s, w: float32[6,4,3,3])',
        bn('y', 'c', 6),
      ),
      { Add: 1, Conv: 1 },
    ));

  const rows: readonly Row[] = [
    ['weight-computed', graph(`${image}, w: float32[4,4,3,3]`, 'y', 'c = Conv(x, w)', bn('y', 'c', 4))],
    [
      'weight-computed',
      graph(`${image}, w: float32[4,4,3,3]`, 'y', 'c = Conv(x, w: float32[4,4,3,3])', bn('y', 'c', 4)),
    ],
    ['weight-not-float', graph('x: int32[2,4,9,9]', 'y', 'y = Conv(x, w: int32[4,4,1,1])'), 'broken'],
    ['weight-no-window', graph('x: float32[2,4]', 'y', 'y = Conv(x, w: float32[4,4])'), 'broken'],
    [
      'attributes-misfit',
      graph(image, 'y', 'c = Conv<strides=[1]>(x, w: float32[4,4,1,1])', bn('y', 'c', 4)),
      'broken',
    ],
    [
      'parameter-length',
      graph(image, 'y', 'c = Conv(x, w: float32[4,4,1,1], b: float32[2])', bn('y', 'c', 4)),
      'broken',
    ],
    [
      'channels-misfit',
      graph('x: float32[2,3,9,9]', 'y', 'c = Conv(x, w: float32[4,4,1,1])', bn('y', 'c', 4)),
      'broken',
    ],
    ['channels-limit', graph('x: float32[2,2097152,1,1]', 'y', 's = Abs(x)', 'y = Neg(s)'), 'broken'],
    [
      'padded-above-window',
      graph(
        image,
        'y',
        'c = Conv<pads=[1,1,1,1]>(x, v: float32[1,4,3,3])',
        'y = Conv<pads=[1,1,1,1]>(c, w: float32[8,1,3,3])',
      ),
    ],
    [
      'padded-above-bias',
      graph(
        image,
        'y',
        'c = Conv(x, v: float32[4,4,1,1], b: float32[4])',
        'y = Conv<pads=[1,1,1,1]>(c, w: float32[4,4,3,3])',
      ),
    ],
    [
      'padded-above-bias',
      graph(image, 'y', 'c = Sub(x, m: float32[4,1,1])', 'y = Conv<pads=[1,1,1,1]>(c, w: float32[4,4,3,3])'),
    ],
    [
      'auto-pad',
      graph(
        'x: float32[n,4,h,h]',
        'y',
        'c = Conv(x, v: float32[4,4,1,1])',
        'y = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(c, w: float32[4,4,3,3])',
      ),
    ],
    ['more-macs', graph(image, 'y', 'c = Conv(x, v: float32[4,4,3,3])', 'y = Conv(c, w: float32[4,4,3,3])')],
    ['more-macs', graph(image, 'y', 'c = Conv(x, v: float32[1,4,1,1])', 'y = Conv(c, w: float32[8,1,1,1])')],
    ['more-macs', graph(image, 'y', 'c = Conv<group=4>(x, v: float32[4,1,3,3])', 'y = Conv(c, w: float32[8,4,1,1])')],
    [
      'more-macs',
      graph(image, 'y', 'c = Conv<group=4>(x, v: float32[4,1,3,3])', 'y = Conv<group=4>(c, w: float32[4,1,3,3])'),
    ],
    [
      'used-elsewhere',
      graph(image, 'y', 'c = Conv(x, w: float32[4,4,3,3])', bn('n', 'c', 4), 'r = Relu(c)', 'y = Mul(n, r)'),
    ],
    ['graph-output', graph(image, 'y, c', 'c = Conv(x, w: float32[4,4,3,3])', bn('y', 'c', 4))],
    [
      'captured',
      graph(
        `${image}, f: bool[]`,
        'y, z',
        'c = Conv(x, w: float32[4,4,3,3])',
        bn('y', 'c', 4),
        'z = If<then_branch={t () -> (p)\n p = Neg(c) }, else_branch={e () -> (q)\n q = Relu(c) }>(f)',
      ),
    ],
    ['channels-unknown', graph('x: float32', 'y', 'y = Mul(x, c: float32[])'), 'broken'],
    ['nothing-to-merge', graph(image, 'y', 'y = Conv(x, w: float32[4,4,3,3])')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));

  test('below IR version 4 a listed weight is a constant', () => {
    const text = (ir: number): string =>
      `<ir: ${ir}, opset: ["": 8]> ${graph(`${image}, w: float32[4,4,3,3], g: float32[4], b: float32[4], m: float32[4], v: float32[4]`, 'y', 'c = Conv(x, w: float32[4,4,3,3])', 'y = BatchNormalization(c, g: float32[4], b: float32[4], m: float32[4], v: float32[4])')}`;
    expect(merged(text(3)).ops).toEqual({ Conv: 1 });
    expect(merged(text(4)).ops).toEqual({ BatchNormalization: 1, Conv: 1 });
  });

  test('weights of a half type stay in that type, where it holds them', async () => {
    const text = (type: string): string =>
      graph(`x: ${type}[2,4,5,5]`, 'y', `c = Conv(x, w: ${type}[4,4,1,1])`, bn('y', 'c', 4, type));
    await expectMerge(text('float16'), { Conv: 1 }, 'float16');
    await expectMerge(text('float64'), { Conv: 1 }, 'float64');
  });

  const numbers = (n: number, v: number): string => Array.from({ length: n }, () => v).join();
  const half = (v: number): string =>
    graph(
      'x: float16[2,2,5,5]',
      'y',
      `c = Conv(x, w: float16[2,2,1,1] = [${numbers(4, v)}])`,
      `y = Mul(c, s: float16[2,1,1] = [${numbers(2, v)}])`,
    );
  test.each([
    ['merged-too-large', half(400)],
    ['merged-too-small', half(0.0003)],
    [
      'merged-not-finite',
      graph(
        'x: float64[2,2,5,5]',
        'y',
        `c = Conv(x, w: float64[2,2,1,1] = [${numbers(4, 1e200)}])`,
        `y = Mul(c, s: float64[2,1,1] = [${numbers(2, 1e200)}])`,
      ),
    ],
  ] as const)('left alone: %s', (why, text) => expectLeft([why, text, 'broken']));
});
