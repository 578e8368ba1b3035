import { readFileSync } from 'node:fs';
import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { sampleModel } from '../../support/sample-model.js';
import { corpus, describeShared, isFull } from '../../support/shared.js';
import {
  canonicalWire,
  type Disguises,
  disguise,
  isString,
  mapScalars,
  parseWire,
  printWire,
  random,
  type WireField,
} from '../../support/wire.js';

/** Everything that onnx-proto, an independent decoder, finds in a file. It drops unknown fields. */
const seenByOnnxProto = (bytes: Uint8Array): unknown =>
  onnx.ModelProto.toObject(onnx.ModelProto.decode(new Uint8Array(bytes)));

interface Kind {
  readonly ways: Disguises;
  /** Chance in ten that a number is longer than it must be, and its longest form. */
  readonly padded?: number;
  readonly longest?: number;
}

const SEEDS = isFull ? 200 : 12;

const KINDS: Record<string, Kind> = {
  reordered: { ways: { reorder: true } },
  repacked: { ways: { repack: true } },
  'with duplicated scalars': { ways: { duplicate: true } },
  'with split messages': { ways: { split: true } },
  'with unknown fields': { ways: { unknown: true } },
  'with over-long numbers': { ways: {}, padded: 3, longest: 5 },
  'with all of it': {
    ways: { reorder: true, repack: true, duplicate: true, split: true, unknown: true },
    padded: 2,
    longest: 10,
  },
};

function expectHandled(fields: readonly WireField[], kind: Kind, seed: number): void {
  const pick = random(seed);
  const { disguised, canonical } = disguise(fields, pick, kind.ways);
  const bytes = printWire(disguised, (longest) =>
    pick(10) < (kind.padded ?? 0) ? pick(Math.min(longest, kind.longest ?? 0)) : 0,
  );
  expect(bytesDiffer(concat(writeOnnx(readOnnx(bytes))), bytes), 'passed through').toBe(-1);
  const again = concat(writeOnnx(readOnnx(bytes), { reencode: true }));
  expect(bytesDiffer(again, printWire(canonical)), 're-encoded').toBe(-1);
  // Its protobufjs replaces a message that comes twice, where protobuf merges, and misreads 32-bit numbers of 6 to 9
  // bytes.
  if (!kind.ways.split) expect(seenByOnnxProto(again)).toEqual(seenByOnnxProto(bytes));
}

/** Where two byte strings part; -1 when they do not. Cheaper to print than the strings. */
function bytesDiffer(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  const at = a.findIndex((x, i) => x !== b[i]);
  return at < 0 ? Math.min(a.length, b.length) : at;
}

const badNames = (fields: readonly WireField[]): WireField[] =>
  mapScalars(fields, (f, type) =>
    isString(type, f.number) && f.value instanceof Uint8Array
      ? { ...f, value: f.value.map((b) => (b === 0x61 ? 0xe1 : b === 0x78 ? 0xff : b)) }
      : f,
  );

/** Every float a signalling NaN. */
const nans = (fields: readonly WireField[]): WireField[] =>
  mapScalars(fields, (f, type) => {
    const isFloats =
      (type === 'Attribute' && (f.number === 2 || f.number === 7)) || (type === 'Tensor' && f.number === 4);
    if (!isFloats || !(f.value instanceof Uint8Array)) return f;
    return { ...f, value: f.value.map((_, i) => [1, 0, 0xa0, 0x7f][i % 4] ?? 0) };
  });

describe('a model with everything in it', () => {
  const fields = canonicalWire(parseWire(sampleModel()));

  test('is parsed and printed by the test itself to the same bytes', () => {
    expect(bytesDiffer(printWire(parseWire(sampleModel())), sampleModel())).toBe(-1);
  });

  test.each(Object.entries(KINDS))('%s', (_name, kind) => {
    for (let seed = 1; seed <= SEEDS; seed++) expectHandled(fields, kind, seed);
  });

  test.each([
    ['names that are not UTF-8', badNames],
    ['signalling NaNs', nans],
  ])('%s', (_name, change) => {
    const changed = change(fields);
    expect(bytesDiffer(printWire(changed), printWire(fields))).not.toBe(-1);
    for (const kind of Object.values(KINDS)) expectHandled(changed, kind, 7);
  });
});

describeShared('models of the corpus', () => {
  test.each(Object.entries(KINDS))('%s', (_name, kind) => {
    const models = corpus().filter((_, i) => isFull || i % 19 === 0);
    for (const [i, { path, name }] of models.entries()) {
      const bytes = readFileSync(path);
      if (bytes.length > 1e6) continue;
      const fields = parseWire(bytes);
      try {
        expectHandled(i % 2 ? badNames(fields) : nans(fields), kind, i);
      } catch (error) {
        throw new Error(`${name}, seed ${i}`, { cause: error });
      }
    }
  });
});
