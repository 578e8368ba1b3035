import { describe, expect, test } from 'vitest';
import { readCifar } from '../../src/formats/cifar.js';
import { readCsv } from '../../src/formats/csv.js';

describe('CIFAR', () => {
  /** Two records: classes, then 1,024 bytes each of red, green and blue. */
  const file = (labels: readonly number[][]): Uint8Array =>
    Uint8Array.from(
      labels.flatMap((l, n) => [
        ...l,
        ...Array.from({ length: 3072 }, (_, i) => (i < 1024 ? i % 256 : i < 2048 ? 100 + n : 200)),
      ]),
    );

  test('of ten classes', () => {
    const cifar = readCifar(file([[7], [3]]));
    expect(cifar).toMatchObject({ count: 2, classes: 10, side: 32 });
    expect([cifar?.label(0), cifar?.label(1)]).toEqual([7, 3]);
    expect([...(cifar?.pixels(1).subarray(0, 6) ?? [])]).toEqual([0, 101, 200, 1, 101, 200]);
  });
  test('of a hundred, the fine class', () => {
    const cifar = readCifar(
      file([
        [19, 99],
        [0, 42],
      ]),
    );
    expect(cifar).toMatchObject({ count: 2, classes: 100 });
    expect([cifar?.label(0), cifar?.label(1)]).toEqual([99, 42]);
  });
  test.each([
    ['a class too many', file([[10]])],
    ['another size', new Uint8Array(3072)],
    ['nothing', new Uint8Array(0)],
  ])('%s is none', (_what, bytes) => expect(readCifar(bytes)).toBeUndefined());
});

describe('tables', () => {
  test.each<[string, string, string[][]]>([
    [
      'commas',
      'file,class\na.png,3\n',
      [
        ['file', 'class'],
        ['a.png', '3'],
      ],
    ],
    [
      'spaces, as Caffe has it',
      'val/1.JPEG 65\nval/2.JPEG  970',
      [
        ['val/1.JPEG', '65'],
        ['val/2.JPEG', '970'],
      ],
    ],
    [
      'tabs, and Windows',
      'a.png\tcat\r\nb.png\tdog\r\n',
      [
        ['a.png', 'cat'],
        ['b.png', 'dog'],
      ],
    ],
    [
      'quotes',
      '"a, b.png","the ""cat"""\nc.png, dog',
      [
        ['a, b.png', 'the "cat"'],
        ['c.png', 'dog'],
      ],
    ],
    [
      'empty lines',
      '\na,1\n\n\nb,2\n',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
  ])('%s', (_what, text, rows) => expect(readCsv(text)).toEqual(rows));
});
