import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeName, encodeName, grouped, nearest, printable, table } from '../../src/base/text.js';

/** Bytes that are often nearly UTF-8. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        0x41,
        0x80,
        0xbf,
        0xc0,
        0xc3,
        0xe0,
        0xed,
        0xa0,
        0xef,
        0xbb,
        0xbf,
        0xf0,
        0x9f,
        0x98,
        0x80,
        0xf4,
        0x90,
        0xff,
      ),
    )
    .map((b) => Uint8Array.from(b)),
);

test('any bytes are a name, and come back', () => {
  fc.assert(
    fc.property(bytes, (b) => {
      expect(Buffer.compare(encodeName(decodeName(b)), b)).toBe(0);
    }),
    { numRuns: 5000, seed: 5 },
  );
  const long = new Uint8Array(300_000).fill(0xff);
  expect(Buffer.compare(encodeName(decodeName(long)), long)).toBe(0);
});

test('valid UTF-8 is decoded as everywhere, a byte order mark kept', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (s) => {
      expect(decodeName(new TextEncoder().encode(s))).toBe(s);
    }),
    { seed: 6 },
  );
  expect(decodeName(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
});

test('two different byte strings are never one name', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      if (Buffer.compare(a, b) !== 0) expect(decodeName(a)).not.toBe(decodeName(b));
    }),
    { numRuns: 3000, seed: 7 },
  );
});

test('nothing printable can move a terminal', () => {
  fc.assert(
    fc.property(bytes, (b) => {
      expect(printable(decodeName(b))).not.toMatch(
        /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])/,
      );
    }),
    { numRuns: 3000, seed: 8 },
  );
  expect(printable('a\u001b[31m\n\u202eb')).toBe('a\\x1b[31m\\n\\u202eb');
  expect(printable(decodeName(Uint8Array.of(0x61, 0xff)))).toBe('a\\xff');
  const long = printable('x'.repeat(1000));
  expect(long.length).toBeLessThanOrEqual(120);
  expect(long).toContain('…');
});

test('the nearest names come first, and far ones not at all', () => {
  expect(nearest('resnet51', ['resnet50', 'vgg16', 'resnet152', 'Resnet51'])).toEqual([
    'Resnet51',
    'resnet50',
    'resnet152',
  ]);
  expect(nearest('gruop', ['group', 'pads', 'strides'])).toEqual(['group']);
  expect(nearest('zzzzzz', ['group', 'pads'])).toEqual([]);
});

test('a table: text to the left, numbers to the right', () => {
  expect(
    table(
      [
        ['conv', 12],
        ['a', 1234],
      ],
      ['name', 'count'],
    ),
  ).toBe('name  count\nconv     12\na      1234');
});

test('whole numbers are written as the system writes them in English', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2000, max: 2000 })), (n) => {
      expect(grouped(n)).toBe(n.toLocaleString('en'));
    }),
  );
});
