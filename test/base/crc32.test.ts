import { crc32 as reference } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Crc32, crc32 } from '../../src/base/crc32.js';

test('the check value of the standard', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

test('agrees with zlib on any bytes, in any pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(3), (data, cut, offset) => {
      // At every alignment.
      const bytes = new Uint8Array(data.length + offset).subarray(offset);
      bytes.set(data);
      expect(crc32(bytes)).toBe(reference(bytes));
      expect(new Crc32().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).value).toBe(reference(bytes));
    }),
  );
});
