import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { concat, memorySource } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { checkWeights, type ExternalData, readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { everyGraph } from '../../../src/graph/edit.js';
import { asFloat32 } from '../../../src/tensor/tensor.js';
import { groundTruth, groundTruthBytes, groundTruthJson } from '../../support/ground-truth.js';

interface Entry {
  readonly file: string;
  readonly kind: string;
  readonly verdict: 'refuse' | 'accept' | 'either' | 'checker';
  readonly sameAs?: string;
}

const path = (file: string): string => `hostile/${file}`;

const folderOf = (file: string): ExternalData => ({
  resolve: (location) => memorySource(readFileSync(join(dirname(groundTruth(path(file))), location))),
});

function read(file: string) {
  const model = readOnnx(groundTruthBytes(path(file)), { external: folderOf(file) });
  checkWeights(model);
  return model;
}

/** What reading gives: 'read', the error's code, or the name of an error that is a bug. */
function outcome(file: string): string {
  try {
    read(file);
    return 'read';
  } catch (error) {
    if (error instanceof CnnxError) return error.code;
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** The code that each kind of file to be refused is refused with. */
const REFUSALS: Record<string, RegExp> = {
  'not-a-model': /^onnx\/(not-a-model|wire|truncated)$/,
  truncated: /^onnx\/truncated$/,
  wire: /^onnx\/(wire|truncated)$/,
  tensor: /^onnx\/tensor$/,
  graph: /^onnx\/not-a-model$/,
  external: /^(onnx\/external-data|ENOENT)$/,
};

describe('hostile files', () => {
  const { files } = groundTruthJson(path('manifest.json')) as { files: readonly Entry[] };

  describe.each(files)('$file', ({ file, kind, verdict, sameAs }) => {
    test(`the reader's part of '${verdict}'`, () => {
      const found = outcome(file);
      if (verdict === 'refuse') expect(found).toMatch(REFUSALS[kind] ?? /never/);
      else if (verdict === 'either') expect(found).toMatch(/^(read|onnx\/[a-z-]+)$/);
      else expect(found).toBe('read');
    });

    if (verdict === 'accept') {
      test('is written back as it is, and re-encoded to what reads the same', () => {
        const bytes = groundTruthBytes(path(file));
        const model = read(file);
        expect(concat(writeOnnx(model))).toEqual(new Uint8Array(bytes));
        const again = concat(writeOnnx(model, { reencode: true }));
        const twice = concat(writeOnnx(readOnnx(again, { external: folderOf(file) }), { reencode: true }));
        expect(twice).toEqual(again);
        if (sameAs) expect(again).toEqual(concat(writeOnnx(read(sameAs), { reencode: true })));
      });
    }
  });

  test.each([
    ['simple/empty.onnx', 'an empty file'],
    ['simple/html-error-page.onnx', 'an HTML page'],
    ['simple/json.onnx', 'a JSON text'],
    ['simple/lfs-pointer.onnx', 'a Git LFS pointer'],
    ['simple/text.onnx', 'a text'],
    ['simple/gzip-magic.onnx', 'gzip-compressed'],
    ['simple/zip-magic.onnx', 'a zip archive'],
    ['simple/bom.onnx', 'byte order mark'],
    ['simple/zeros.onnx', 'nothing but zeros'],
  ])('%s is said to look like %s', (file, what) => {
    expect(() => readOnnx(groundTruthBytes(path(file)))).toThrow(what);
  });

  test('a truncated file says at which byte', () => {
    const bytes = groundTruthBytes(path('truncated/conv-if-0208.onnx'));
    try {
      readOnnx(bytes);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CnnxError);
      if (error instanceof CnnxError) expect(error.at.byte).toBeLessThanOrEqual(bytes.length);
    }
  });

  test('external data that is sound is read', () => {
    const model = read('external/sound/model.onnx');
    const [value] = everyGraph(model)[0]?.initializers ?? [];
    expect(value?.initializer && Array.from(asFloat32(value.initializer))).toHaveLength(2);
  });
});
