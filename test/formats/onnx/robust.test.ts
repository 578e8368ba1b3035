import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { readOnnx, sniff, writeOnnx } from '../../../src/formats/onnx/index.js';
import { sampleModel } from '../../support/sample-model.js';
import { corpus, describeShared, isFull } from '../../support/shared.js';

/** A field of bytes: tag and length in front. For lengths under 2^14. */
const field = (number: number, ...payload: number[]): number[] => {
  const { length } = payload;
  return [number * 8 + 2, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...payload];
};

/**
 * A model with a value whose type is a sequence of sequences ... so many messages deep, itself and the graph included.
 */
function nested(depth: number): Uint8Array {
  // TypeProto.sequence_type is field 4, its elem_type field 1: two messages a level.
  let type: number[] = [];
  for (let level = depth - 3; level > 0; level--) type = field(level % 2 === 1 ? 4 : 1, ...type);
  return Uint8Array.from(field(7, ...field(11, ...field(2, ...type))));
}

/** Groups inside groups in an unknown field of the model. */
const groups = (depth: number): Uint8Array =>
  Uint8Array.from([
    0x08,
    8,
    ...Array.from({ length: depth }, () => 15 * 8 + 3),
    ...Array.from({ length: depth }, () => 15 * 8 + 4),
    ...field(7),
  ]);

const codeOf = (bytes: Uint8Array): string => {
  try {
    readOnnx(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof CnnxError) return `${error.code} at ${error.at.byte}`;
    throw error;
  }
};

describe('limits', () => {
  test('100 messages inside each other are read, 101 are not', () => {
    expect(codeOf(nested(100))).toBe('read');
    expect(codeOf(nested(101))).toMatch(/^onnx\/depth/);
    expect(concat(writeOnnx(readOnnx(nested(100)), { reencode: true }))).toEqual(nested(100));
  });

  test('groups are no way around it', () => {
    expect(codeOf(groups(100))).toBe('read');
    expect(codeOf(groups(101))).toMatch(/^onnx\/depth/);
    expect(codeOf(groups(5000))).toMatch(/^onnx\/depth/);
  });

  test('they can be set', () => {
    expect(() => readOnnx(nested(20), { limits: { messageDepth: 19 } })).toThrow(/deeper than 19/);
    expect(() => readOnnx(sampleModel(), { limits: { text: 10 } })).toThrow('the limit is 10');
  });
});

describe('bytes that are not protobuf, and where', () => {
  test.each<[string, number[], string]>([
    ['field number 0', [0x08, 1, 0x02, 0], 'onnx/wire at 2'],
    ['wire type 6', [0x08, 1, 0x0e], 'onnx/wire at 2'],
    ['wire type 7', [0x08, 1, 0x0f], 'onnx/wire at 2'],
    ['a tag of six bytes', [0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 1], 'onnx/wire at 0'],
    ['a number of eleven bytes', [0x08, ...Array.from({ length: 10 }, () => 0x80), 1], 'onnx/wire at 1'],
    ['a number cut off', [0x08, 0x80], 'onnx/truncated at 2'],
    ['a length beyond the end', [0x08, 1, 0x3a, 5, 1], 'onnx/truncated at 3'],
    ['a length of 2^60', [0x3a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], 'onnx/truncated at 1'],
    ['a group that does not end', [0x08, 1, 0x7b, 0x08], 'onnx/truncated at 4'],
    ['a group that ends as another', [0x08, 1, 0x7b, 0x84, 1], 'onnx/wire at 5'],
    ['a group that never began', [0x08, 1, 0x7c], 'onnx/wire at 3'],
    ['a float cut off', [0x08, 1, ...field(7, ...field(1, ...field(5, 0x15, 0, 0)))], 'onnx/truncated at 9'],
    ['no graph', [0x08, 8], 'onnx/not-a-model at undefined'],
  ])('%s', (_what, bytes, expected) => {
    expect(codeOf(Uint8Array.from(bytes))).toBe(expected);
  });
});

describe('damaged files', () => {
  const sample = sampleModel();

  test('are read or refused, never anything else; what is read can be written', () => {
    const byte = fc.nat(255);
    const mutation = fc.tuple(fc.nat(sample.length - 1), byte, fc.nat(3));
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.option(fc.nat(sample.length)), (list, cut) => {
        let bytes = new Uint8Array(sample);
        for (const [at, value, kind] of list) {
          const i = at % bytes.length;
          if (kind === 0) bytes[i] = value;
          else if (kind === 1) bytes[i] = (bytes[i] ?? 0) ^ (1 << (value % 8));
          else if (kind === 2) bytes = Uint8Array.from([...bytes.subarray(0, i), value, ...bytes.subarray(i)]);
          else bytes = Uint8Array.from([...bytes.subarray(0, i), ...bytes.subarray(i + 1)]);
          if (bytes.length === 0) return;
        }
        if (cut !== null) bytes = bytes.subarray(0, cut);
        if (codeOf(bytes) !== 'read') return;
        expect(Buffer.compare(concat(writeOnnx(readOnnx(bytes))), bytes)).toBe(0);
        const again = concat(writeOnnx(readOnnx(bytes), { reencode: true }));
        expect(Buffer.compare(concat(writeOnnx(readOnnx(again), { reencode: true })), again)).toBe(0);
      }),
      { numRuns: isFull ? 50_000 : 300, seed: 20260101 },
    );
  });

  test('every cut of a file is refused or lacks only whole fields', () => {
    for (let size = 0; size < sample.length; size += isFull ? 1 : 7) {
      const code = codeOf(sample.subarray(0, size));
      expect(code).toMatch(/^(read|onnx\/(truncated|not-a-model))/);
    }
  });

  test('what a file looks like is found out without an error, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        sniff(bytes);
        return true;
      }),
    );
  });
});

describeShared('re-encoding', () => {
  test('takes nothing from the bytes of the file', () => {
    // Payloads from 1024 bytes on are weights that stay in the file: these models have none.
    const models = corpus().map(({ path }) => readFileSync(path));
    const small = models.filter((bytes) => bytes.length < 1000);
    expect(small.length).toBeGreaterThan(1000);
    for (const bytes of small) {
      const file = new Uint8Array(bytes);
      const model = readOnnx(file);
      file.fill(0xaa);
      expect(Buffer.compare(concat(writeOnnx(model, { reencode: true })), bytes)).toBe(0);
    }
  });
});
