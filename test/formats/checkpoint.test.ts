import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { readCheckpoint } from '../../src/formats/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import { type StateDict, wrapperPrefix } from '../../src/formats/state-dict.js';
import { concat } from '../../src/base/bytes.js';
import { asFloat64 } from '../../src/tensor/tensor.js';
import { groundTruthBytes, groundTruthJson } from '../support/ground-truth.js';

interface Manifest {
  readonly files: readonly {
    readonly file: string;
    readonly kind: string;
    readonly expect: string;
    readonly format: string;
  }[];
}

interface Expected {
  readonly prefix?: string;
  readonly metadata?: Record<string, string>;
  readonly scalars?: Record<string, string | number>;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data: string;
    readonly data64?: string;
    readonly ints?: readonly string[];
  }[];
}

/** Everything that reading promises is only true once the data has been read. */
function readAll(bytes: Uint8Array, name: string): StateDict {
  const stateDict = readCheckpoint(memorySource(bytes), name);
  for (const t of stateDict.tensors.values()) t.bytes();
  return stateDict;
}

const decode = (base64: string): DataView => {
  const b = Buffer.from(base64, 'base64');
  return new DataView(b.buffer, b.byteOffset, b.byteLength);
};

function expectTensors(found: StateDict, expected: Expected): void {
  expect([...found.tensors].map(([name, t]) => [name, t.dtype, t.shape])).toEqual(
    expected.tensors.map((t) => [t.name, t.dtype, t.shape]),
  );
  for (const t of expected.tensors) {
    const tensor = found.tensors.get(t.name);
    if (!tensor) throw new Error(`${t.name} is missing`);
    if (t.ints) {
      expect(integers(tensor)).toEqual(t.ints);
    } else {
      const wide = t.data64 !== undefined;
      const view = decode(t.data64 ?? t.data);
      const size = wide ? 8 : 4;
      const values = Array.from({ length: view.byteLength / size }, (_, i) =>
        wide ? view.getFloat64(8 * i, true) : view.getFloat32(4 * i, true),
      );
      expect([...asFloat64(tensor)]).toEqual(values);
    }
  }
}

function integers(t: { readonly dtype: string; bytes(): Uint8Array }): string[] {
  const b = new Uint8Array(t.bytes());
  switch (t.dtype) {
    case 'int64':
      return Array.from(new BigInt64Array(b.buffer), String);
    case 'int32':
      return Array.from(new Int32Array(b.buffer), String);
    case 'int16':
      return Array.from(new Int16Array(b.buffer), String);
    case 'int8':
      return Array.from(new Int8Array(b.buffer), String);
    default:
      return Array.from(b, String);
  }
}

describe('the reference checkpoints', () => {
  const { files } = groundTruthJson('checkpoints/manifest.json') as Manifest;
  const valid = files.filter((f) => f.expect === 'load');
  const bad = files.filter((f) => f.expect === 'error');

  test('there are files of each kind', () => {
    expect(valid.length).toBeGreaterThan(10);
    expect(bad.length).toBeGreaterThan(10);
  });

  test.each(valid)('$file has exactly the expected tensors', ({ file, format }) => {
    const expected = groundTruthJson(`checkpoints/${file}.expected.json`) as Expected;
    const found = readAll(groundTruthBytes(`checkpoints/${file}`), file);
    expect(found.format).toBe(format);
    expectTensors(found, expected);
    expect(wrapperPrefix(found.tensors.keys())).toBe(expected.prefix ?? '');
    if (expected.metadata) expect(Object.fromEntries(found.metadata)).toEqual(expected.metadata);
    for (const [name, value] of Object.entries(expected.scalars ?? {}))
      expect(found.metadata.get(name)).toBe(String(value));
  });

  test.each(valid)('$file keeps every bit through safetensors', ({ file }) => {
    const found = readAll(groundTruthBytes(`checkpoints/${file}`), file);
    const again = readSafetensors(memorySource(concat(writeSafetensors(found))));
    expect(
      [...again.tensors].map(([name, t]) => [name, t.dtype, t.shape, Buffer.from(t.bytes()).toString('hex')]),
    ).toEqual([...found.tensors].map(([name, t]) => [name, t.dtype, t.shape, Buffer.from(t.bytes()).toString('hex')]));
    expect(again.metadata).toEqual(found.metadata);
  });

  test.each(bad)('$file is refused', ({ file }) => {
    const bytes = groundTruthBytes(`checkpoints/${file}`);
    const folder = mkdtempSync(join(tmpdir(), 'cnnx-pwned-'));
    const before = process.cwd();
    process.chdir(folder);
    try {
      const error = errorOf(() => readAll(bytes, file));
      expect(error).toBeInstanceOf(CnnxError);
      expect(error).toMatchObject({ exitCode: 2 });
    } finally {
      process.chdir(before);
    }
    const left = readdirSync(folder);
    rmSync(folder, { recursive: true });
    expect(left).toEqual([]);
    expect(existsSync('CNNX_PWNED')).toBe(false);
  });

  test.each([
    ['malicious_os_system_p2.pt', 'pickle/refused', 'posix.system'],
    ['malicious_os_system_p4.pt', 'pickle/refused', 'posix.system'],
    ['malicious_legacy.pt', 'pickle/refused', 'posix.system'],
    ['malicious_dotted_global.pt', 'pickle/refused', 'torch.serialization.os.system'],
    ['malicious_inst.pkl', 'pickle/refused', 'os.system'],
    ['damaged_zip_truncated_half.pt', 'zip/directory', 'cut off'],
    ['damaged_zip_no_end_record.pt', 'zip/directory', 'cut off'],
    ['damaged_zip_flip_data.pt', 'zip/checksum', 'data/0'],
    ['damaged_zip_flip_pickle.pt', 'zip/checksum', 'data.pkl'],
    ['damaged_legacy_truncated.pt', 'pickle/truncated', 'ends early'],
    ['damaged_legacy_flip_magic.pt', 'torch/invalid', 'magic number'],
    ['damaged_safetensors_short.safetensors', 'safetensors/truncated', 'tensors take'],
    ['damaged_safetensors_header_length.safetensors', 'safetensors/header', '4503599627'],
  ])('%s: %s, and the message names %s', (file, code, words) => {
    const error = errorOf(() => readAll(groundTruthBytes(`checkpoints/${file}`), file));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
  });
});

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('files that are something else', () => {
  test.each([
    ['an HTML page', ascii('<!DOCTYPE html>\n<html><body>404 Not Found</body></html>')],
    ['an HTML page', ascii('\n  <html lang="en"><head>')],
    ['an empty file', new Uint8Array(0)],
    ['Git LFS', ascii('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 46830571\n')],
    ['a JSON text', ascii('{"message": "Not Found"}')],
    ['an XML text', ascii('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ['a text', ascii('the weights are in the other folder\n')],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0)],
    ['an ONNX model', Uint8Array.of(8, 8, 0x12, 7, ...ascii('pytorch'))],
    ['an HDF5 file', Uint8Array.of(0x89, ...ascii('HDF\r\n'), 0x1a, 10)],
    ['neither', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)],
  ])('%s says what it looks like', (words, bytes) => {
    const name = words === 'neither' ? 'model' : 'resnet50.pth';
    expect(errorOf(() => readCheckpoint(memorySource(bytes), name))).toMatchObject({
      code: 'checkpoint/unknown',
      message: expect.stringContaining(words),
    });
  });

  test('a zip that torch did not write says what it has', () => {
    const zip = readFileSync(new URL('../fixtures/plain.zip', import.meta.url));
    expect(errorOf(() => readCheckpoint(memorySource(zip)))).toMatchObject({
      code: 'torch/no-pickle',
      message: expect.stringContaining('hello.txt'),
    });
  });
});
