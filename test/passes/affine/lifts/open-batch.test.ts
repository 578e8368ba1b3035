import { describe, test } from 'vitest';
import { expectLeft, expectMerge, graph, type Row } from '../../../support/lifts.js';

const list = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): string =>
  `${name}: int64[${shape.join()}] = [${values.join()}]`;

interface Side {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

const eight = [0, 1, 2, 3, 4, 5, 6, 7];
const SIDES: readonly Side[] = [
  { rows: [0], columns: eight },
  { rows: [7], columns: eight },
  { rows: eight, columns: [0] },
  { rows: eight, columns: [7] },
];

/** y[:, :, rows, columns] = v as exporters write it: a grid of indices, computed from the batch size. */
function written(y: string, x: string, { rows, columns }: Side, batch = `b${y}`): readonly string[] {
  const n = (name: string): string => `${name}${y}`;
  return [
    `${n('s')} = Shape(${x})`,
    `${n('n')} = Gather<axis=0>(${n('s')}, ${n('z')}: int64[] = [0])`,
    `${n('r')} = Range(${n('z0')}: int64[] = [0], ${n('n')}, ${n('o')}: int64[] = [1])`,
    `${n('b')} = Reshape(${n('r')}, ${list(n('p'), [-1, 1, 1, 1])})`,
    `${n('c')} = Add(${n('b')}, ${list(n('k'), [0, 1, 2, 3], [4, 1, 1])})`,
    `${n('d')} = Add(${n('c')}, ${list(n('h'), rows, [rows.length, 1])})`,
    `${n('e')} = Add(${n('d')}, ${list(n('w'), columns)})`,
    `${n('f')} = Shape(${n('e')})`,
    ...[
      batch,
      list(n('k2'), [0, 1, 2, 3], [4, 1, 1]),
      list(n('h2'), rows, [rows.length, 1]),
      list(n('w2'), columns),
    ].flatMap((part, i) => [
      `${n(`x${i}`)} = Expand(${part}, ${n('f')})`,
      `${n(`u${i}`)} = Unsqueeze(${n(`x${i}`)}, ${list(n(`a${i}`), [-1])})`,
    ]),
    `${n('i')} = Concat<axis=-1>(${[0, 1, 2, 3].map((i) => n(`u${i}`)).join()})`,
    `${n('v')} = Expand(${n('l')}: float32[4,1,1] = [0.5,0.25,-1,2], ${n('f')})`,
    `${y} = ScatterND(${x}, ${n('i')}, ${n('v')})`,
  ];
}

const inputs = 'x: float32[n,4,6,6]';
const below = 'c = Conv(x, v: float32[4,4,1,1], b: float32[4] = [0.5,0.25,-1,2])';
const pad = 'd0 = Pad(c, q: int64[8] = [0,0,1,1,0,0,1,1])';
const all = (sides: readonly Side[] = SIDES): readonly string[] =>
  sides.flatMap((side, i) => written(`d${i + 1}`, `d${i}`, side));

describe('the border of a Pad, written over where the batch is not known', () => {
  test.each([
    ['by a convolution', graph(inputs, 'y', below, pad, ...all(), 'y = Conv(d4, w: float32[3,4,3,3])')],
    [
      'of two images',
      graph('x: float32[2,4,6,6]', 'y', below, pad, ...all(), 'y = Conv(d4, w: float32[3,4,3,3])').replaceAll(
        'Shape(d',
        'Shape(d',
      ),
    ],
  ])('%s', (_, text) => expectMerge(text, { Conv: 1 }));

  const rows: readonly Row[] = [
    // The first image alone.
    [
      'border-computed',
      graph(
        inputs,
        'y',
        below,
        pad,
        `d1 = ScatterND(d0, i: int64[1,4] = [0,0,0,0], u: float32[1])`,
        'y = Conv(d1, w: float32[3,4,3,3])',
      ),
    ],
    // Every image writes to the first.
    [
      'border-computed',
      graph(
        inputs,
        'y',
        below,
        pad,
        ...written('d1', 'd0', SIDES[0] as Side, 'z9: int64[1,1,1,1] = [0]'),
        'y = Conv(d1, w: float32[3,4,3,3])',
      ),
    ],
    ['border-varies', graph(inputs, 'y', below, pad, ...all(SIDES.slice(1)), 'y = Conv(d3, w: float32[3,4,3,3])')],
    [
      'border-inside',
      graph(inputs, 'y', below, pad, ...all([{ rows: [1], columns: eight }]), 'y = Conv(d1, w: float32[3,4,3,3])'),
    ],
    [
      'used-elsewhere',
      graph(inputs, 'y, z', below, pad, ...all(), 'y = Conv(d4, w: float32[3,4,3,3])', 'z = Relu(d2)'),
    ],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('left alone: %s', (_, row) => expectLeft(row));
});
