import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteSource, memorySource } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { isFull } from './shared.js';

export interface ReaderCase {
  /** Reads a file and all of its data. */
  readonly read: (source: ByteSource) => unknown;
  /** A good file. */
  readonly sample: Uint8Array;
  /** Why a file without its last byte may be a good one, if it may. */
  readonly endsAnywhere?: string;
}

/** What every reader of a file format promises, whatever the format. */
export function describeReader(name: string, { read, sample, endsAnywhere }: ReaderCase): void {
  const bounded = (bytes: Uint8Array): void => {
    try {
      read(memorySource(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(CnnxError);
      expect(error).toMatchObject({ exitCode: 2 });
    }
  };

  describe(`the reader of ${name}`, () => {
    test('reads a good file, and only bytes that are in it', () => {
      const asked: number[] = [];
      const source = {
        size: sample.length,
        read(at: number, size: number) {
          asked.push(at + size);
          expect(at).toBeGreaterThanOrEqual(0);
          expect(size).toBeGreaterThanOrEqual(0);
          return sample.slice(at, at + size);
        },
      };
      expect(() => read(source)).not.toThrow();
      expect(Math.max(...asked)).toBeLessThanOrEqual(sample.length);
    });

    test('does not write into what it is given', () => {
      const copy = sample.slice();
      read(memorySource(copy));
      expect(Buffer.from(copy).equals(Buffer.from(sample))).toBe(true);
    });

    test('refuses an empty file in words', () => {
      expect(() => read(memorySource(new Uint8Array(0)))).toThrow(CnnxError);
    });

    test.skipIf(endsAnywhere)('refuses the file without its last byte', () => {
      expect(() => read(memorySource(sample.slice(0, -1)))).toThrow(CnnxError);
    });

    test('reads or refuses in words whatever is left of a file', () => {
      const step = isFull ? 1 : Math.max(1, Math.floor(sample.length / 200));
      for (let size = 0; size < sample.length; size += step) bounded(sample.slice(0, size));
    });

    test('reads or refuses in words whatever byte is wrong', () => {
      fc.assert(
        fc.property(fc.nat(sample.length - 1), fc.nat(255), (at, value) => {
          const bytes = sample.slice();
          bytes[at] = value;
          bounded(bytes);
        }),
        { numRuns: isFull ? 20_000 : 300 },
      );
    });

    test('reads or refuses in words any bytes at all', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => bounded(bytes)),
        { numRuns: isFull ? 20_000 : 300 },
      );
    });
  });
}
