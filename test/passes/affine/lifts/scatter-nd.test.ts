import { describe, test } from 'vitest';
import { expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const image = 'x: float32[1,2,3,3]';
const below = 'c = Conv(x, v: float32[2,2,1,1], b: float32[2] = [0.5,-0.25])';
const pad = 'd = Pad(c, p: int64[8] = [0,0,1,1,0,0,1,1])';
const above = 'y = Conv(f, w: float32[2,2,3,3])';

/** Index rows and values that write `border` over one row or column of the 5x5 result, for each channel. */
function write(y: string, x: string, place: (i: number) => readonly number[], border: readonly number[]): string {
  const rows: number[] = [];
  const values: number[] = [];
  for (const [channel, value] of border.entries()) {
    for (let i = 0; i < 5; i++) {
      rows.push(0, channel, ...place(i));
      values.push(value);
    }
  }
  return `${y} = ScatterND(${x}, i.${y}: int64[${values.length},4] = [${rows.join()}], u.${y}: float32[${values.length}] = [${values.join()}])`;
}

const sides = (border: readonly number[], last: (i: number) => readonly number[] = (i) => [i, -1]): string =>
  [
    write('s1', 'd', (i) => [0, i], border),
    write('s2', 's1', (i) => [4, i], border),
    write('s3', 's2', (i) => [i, 0], border),
    write('f', 's3', last, border),
  ].join('\n ');

describe('ScatterND', () => {
  test('over the border of a Pad, with the bias of what is below', () =>
    expectMerge(graph(image, 'y', below, pad, sides([0.5, -0.25]), above), { Conv: 1 }));

  test('a bias that is left of a difference of larger numbers, each rounded in its own order', () => {
    const cancelled = below.replace('[0.5,-0.25]', '[0.5,0.00000001]');
    return expectMerge(graph(image, 'y', cancelled, pad, sides([0.5, 0.00000003]), above), { Conv: 1 });
  });

  test('a whole row of a channel at a time', () => {
    const rows =
      'f = ScatterND(d, i: int64[4,3] = [0,0,0,0,0,4,0,1,0,0,1,-1], u: float32[4,3] = [0.5,0.5,0.5,0.5,0.5,0.5,-0.25,-0.25,-0.25,-0.25,-0.25,-0.25])';
    return expectMerge(graph(image, 'y', below, 'd = Pad(c, p: int64[8] = [0,0,1,0,0,0,1,0])', rows, above), {
      Conv: 1,
    });
  });

  const one = (attrs: string, indices: string, updates: string): string =>
    graph(image, 'y', below, pad, `f = ScatterND${attrs}(d, ${indices}, ${updates})`, above);
  const rows: readonly Row[] = [
    ['pad-not-bias', graph(image, 'y', below, pad, sides([0.5, -0.26]), above)],
    [
      'border-varies',
      graph(
        image,
        'y',
        below,
        pad,
        write('f', 'd', (i) => [0, i], [0.5, -0.25]),
        above,
      ),
    ],
    [
      'border-inside',
      graph(
        image,
        'y',
        below,
        pad,
        sides([0.5, -0.25], (i) => [i, 3]),
        above,
      ),
    ],
    [
      'border-index',
      graph(
        image,
        'y',
        below,
        pad,
        sides([0.5, -0.25], (i) => [i, 5]),
        above,
      ),
      'broken',
    ],
    ['border-updates', one('', 'i: int64[1,4] = [0,0,0,0]', 'u: float32[2]'), 'broken'],
    ['border-added', one('<reduction="add">', 'i: int64[1,4] = [0,0,0,0]', 'u: float32[1]'), 'broken'],
    [
      'border-computed',
      graph(`${image}, u: float32[1]`, 'y', below, pad, 'f = ScatterND(d, i: int64[1,4] = [0,0,0,0], u)', above),
    ],
    ['no-border-of-pad', graph(image, 'y', below, 'f = ScatterND(c, i: int64[1,4] = [0,0,0,0], u: float32[1])', above)],
    ['used-elsewhere', graph(image, 'y, d', below, pad, sides([0.5, -0.25]), above)],
    ['used-elsewhere', graph(image, 'y, s2', below, pad, sides([0.5, -0.25]), above)],
    [
      'border-unknown',
      graph(
        'x: float32[1,2,n,3]',
        'y',
        below,
        pad,
        write('f', 'd', (i) => [0, i], [0.5, -0.25]),
        above,
      ),
    ],
    [
      'pad-channels',
      graph(
        image,
        'y',
        below,
        'd = Pad(c, p: int64[8] = [0,0,-1,1,0,0,1,1])',
        'f = ScatterND(d, i: int64[1,4] = [0,0,0,0], u: float32[1])',
        above,
      ),
    ],
    [
      'no-border',
      graph(
        image,
        'y',
        below,
        'r = Relu(x)',
        'd = Pad(r, p: int64[8] = [0,0,0,0,0,0,0,0])',
        'f = ScatterND(d, i: int64[0,4] = [], u: float32[0] = [])',
        'y = Mul(f, k: float32[])',
      ),
      'broken',
    ],
    [
      'border-large',
      graph(
        'x: float32[1,1,5000,5000]',
        'y',
        'd = Pad(x, p: int64[8] = [0,0,1,1,0,0,1,1])',
        'f = ScatterND(d, i: int64[1,4] = [0,0,0,0], u: float32[1])',
        'y = Conv(f, w: float32[1,1,3,3])',
      ),
      'broken',
    ],
    ['channels-last', one('', 'i: int64[1,4] = [0,0,0,0]', 'u: float32[1]')],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
