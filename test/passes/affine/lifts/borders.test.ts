import { describe, expect, test } from 'vitest';
import { printGraph } from '../../../../src/text/print.js';
import { bn, expectLeft, expectMerge, graph, merged, type Row } from '../../../support/lifts.js';

const image = 'x: float32[n,4,8,8]';
const pad = (y: string, x: string, amounts: string, mode: string): string =>
  `${y} = Pad<mode="${mode}">(${x}, p.${y}: int64[8] = [0,0,${amounts}])`;
const around = '1,1,0,0,1,1';
const conv = (y: string, x: string, taps = '3,3', attrs = ''): string =>
  `${y} = Conv${attrs}(${x}, w.${y}: float32[4,4,${taps}], b.${y}: float32[4])`;
const sum = (...xs: readonly string[]): readonly string[] =>
  xs.slice(1).map((x, i) => `${i === xs.length - 2 ? 'y' : `s${i}`} = Add(${i === 0 ? xs[0] : `s${i - 1}`}, ${x})`);
const opset19 = '<ir: 9, opset: ["": 19]> ';

describe('branches below Pads that repeat elements: one Pad, one Conv', () => {
  const modes = ['reflect', 'edge', 'wrap'];
  test.each(modes)('RepVGG, %s', (mode) =>
    expectMerge(
      opset19 +
        graph(
          image,
          'y',
          pad('p', 'x', around, mode),
          conv('a', 'p'),
          bn('a1', 'a', 4),
          conv('b', 'x', '1,1'),
          bn('b1', 'b', 4),
          bn('c1', 'x', 4),
          ...sum('a1', 'b1', 'c1'),
        ),
      { Pad: 1, Conv: 1 },
    ),
  );

  test.each(modes)('ACNet, %s: each branch pads its own axes', (mode) =>
    expectMerge(
      opset19 +
        graph(
          image,
          'y',
          pad('p', 'x', around, mode),
          pad('q', 'x', '1,0,0,0,1,0', mode),
          pad('r', 'x', '0,1,0,0,0,1', mode),
          conv('a', 'p'),
          conv('b', 'q', '3,1'),
          conv('c', 'r', '1,3'),
          ...sum('a', 'b', 'c'),
        ),
      { Pad: 1, Conv: 1 },
    ),
  );

  test.each([
    [
      'one Pad for several branches',
      graph(
        image,
        'y',
        pad('p', 'x', around, 'reflect'),
        conv('a', 'p'),
        conv('b', 'p'),
        conv('c', 'x', '1,1'),
        ...sum('a', 'b', 'c'),
      ),
    ],
    [
      'amounts that differ',
      graph(
        image,
        'y',
        pad('p', 'x', around, 'edge'),
        pad('q', 'x', '2,2,0,0,2,2', 'edge'),
        conv('a', 'p'),
        conv('b', 'q', '5,5'),
        ...sum('a', 'b'),
      ),
    ],
    [
      'above a 1x1 with a bias',
      graph(image, 'y', conv('c', 'x', '1,1'), pad('p', 'c', around, 'reflect'), conv('y', 'p')),
    ],
    [
      'with a stride, at a known size',
      graph(
        image,
        'y',
        pad('p', 'x', around, 'reflect'),
        conv('a', 'p', '3,3', '<strides=[2,2]>'),
        conv('b', 'x', '1,1', '<strides=[2,2]>'),
        ...sum('a', 'b'),
      ),
    ],
    [
      'opset 9',
      `<ir: 8, opset: ["": 9]> ${graph(image, 'y', 'p = Pad<mode="reflect", pads=[0,0,1,1,0,0,1,1]>(x)', conv('a', 'p'), conv('b', 'x', '1,1'), ...sum('a', 'b'))}`,
    ],
    [
      'zeros along one axis, copies along the other',
      graph(
        image,
        'y',
        pad('p', 'x', '1,0,0,0,1,0', 'edge'),
        conv('a', 'p', '3,3', '<pads=[0,1,0,1]>'),
        conv('b', 'x', '1,1'),
        ...sum('a', 'b'),
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { Pad: 1, Conv: 1 }));

  test('the Pad is as wide as the widest branch wants', () => {
    const { after } = merged(
      graph(
        'x: float32[n,1,8,8]',
        'y',
        pad('p', 'x', '2,2,0,0,2,2', 'edge'),
        'a = Conv(p, w: float32[1,1,5,5])',
        'b = Conv(x, v: float32[1,1,1,1])',
        'y = Add(a, b)',
      ),
    );
    expect(printGraph(after, { types: 'none' })).toContain('[0,0,2,2,0,0,2,2]');
  });

  const rows: readonly Row[] = [
    [
      'borders-differ',
      graph(
        image,
        'y',
        pad('p', 'x', around, 'reflect'),
        pad('q', 'x', around, 'edge'),
        conv('a', 'p'),
        conv('b', 'q'),
        ...sum('a', 'b'),
      ),
    ],
    [
      'borders-differ',
      graph(
        image,
        'y',
        pad('p', 'x', around, 'reflect'),
        conv('a', 'p'),
        conv('b', 'x', '3,3', '<pads=[1,1,1,1]>'),
        ...sum('a', 'b'),
      ),
    ],
    ['padded-above-window', graph(image, 'y', conv('c', 'x'), pad('p', 'c', around, 'reflect'), conv('y', 'p', '1,1'))],
    [
      'padded-above-window',
      graph(image, 'y', pad('p', 'x', around, 'reflect'), conv('y', 'p', '3,3', '<pads=[1,1,1,1]>')),
    ],
    ['pad-crops', graph(image, 'y', pad('p', 'x', '1,-1,0,0,1,1', 'edge'), conv('y', 'p'))],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
