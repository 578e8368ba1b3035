import { expect, test } from 'vitest';
import { isIdx, readIdx } from '../../src/formats/idx.js';
import { asFloat64 } from '../../src/tensor/tensor.js';

/** The example of the format's page: a magic number, sizes as big-endian int32, elements. */
const pixels = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 255);

test('images of bytes', () => {
  const t = readIdx(pixels);
  expect([t.dtype, t.shape, [...t.bytes()]]).toEqual(['uint8', [2, 1, 2], [10, 20, 30, 255]]);
});

test('wider elements stand in the other byte order', () => {
  const shorts = Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe);
  expect([...asFloat64(readIdx(shorts))]).toEqual([258, -2]);
});

test.each([
  ['a byte short', pixels.subarray(0, 19), /takes 4 bytes; 3 follow/],
  ['a byte long', Uint8Array.of(...pixels, 1), /takes 4 bytes; 5 follow/],
  ['cut in its sizes', pixels.subarray(0, 9), /inside its 3 dimensions/],
  ['of no known type', Uint8Array.of(0, 0, 7, 1, 0, 0, 0, 0), /no magic number/],
])('%s is refused', (_what, bytes, message) => {
  expect(() => readIdx(bytes)).toThrow(
    expect.objectContaining({ code: 'idx/format', message: expect.stringMatching(message) as string }),
  );
});

test('other files are none', () => {
  for (const head of [Uint8Array.of(), Uint8Array.of(0, 0, 8), new TextEncoder().encode('\x93NUMPY')])
    expect(isIdx(head)).toBe(false);
});
