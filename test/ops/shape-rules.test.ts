import { describe, expect, test } from 'vitest';
import { broadcast, transposedOutput, windowOutput } from '../../src/ops/shape-rules.js';

describe('windows', () => {
  test.each([
    // The stem of ResNet, of AlexNet, and a pool that hangs over.
    [[224, 224], { kernel: [7, 7], strides: [2, 2], pads: [3, 3, 3, 3] }, [112, 112]],
    [[227, 227], { kernel: [11, 11], strides: [4, 4] }, [55, 55]],
    [[112], { kernel: [3], strides: [2], ceil: true }, [56]],
    [[112], { kernel: [3], strides: [2] }, [55]],
    [['h', 8], { kernel: [3, 3], pads: [1, 1, 1, 1] }, ['h', 8]],
    [['h'], { kernel: [3] }, [undefined]],
    [[7], { kernel: [3], dilations: [3] }, [1]],
  ] as const)('%j under %j gives %j', (input, window, out) => {
    expect(windowOutput(input, { autoPad: 'NOTSET', ...window })).toEqual(out);
  });

  test('says which window does not fit, and what would', () => {
    expect(() => windowOutput([4, 4], { kernel: [7, 7], pads: [1, 1, 1, 1], autoPad: 'NOTSET' })).toThrow(
      expect.objectContaining({
        code: 'graph/shape',
        message: 'the window of 7x7 does not fit the input of 4x4 padded to 6x6',
        hint: 'an input of at least 5x5, or a smaller window',
      }),
    );
  });

  test('transposed', () => {
    expect(
      transposedOutput([3, 3], { kernel: [3, 3], strides: [3, 2], outputPadding: [1, 1], autoPad: 'NOTSET' }),
    ).toEqual([10, 8]);
  });
});

test('broadcasting', () => {
  expect(broadcast([['n', 3, 1], [4], [1, 1, 1]])).toEqual(['n', 3, 4]);
  expect(broadcast([['n'], ['m']])).toEqual([undefined]);
  expect(broadcast([['n'], [5]])).toEqual([5]);
  expect(broadcast([[2], undefined])).toBeUndefined();
  expect(() => broadcast([[2, 3], [2]])).toThrow('[2,3] and [2] do not broadcast: axis -1 has 3 and 2');
});
