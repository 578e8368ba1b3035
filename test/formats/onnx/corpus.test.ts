import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { corpus, describeShared } from '../../support/shared.js';

describeShared('every model of the corpus', () => {
  test('is written as it was read', () => {
    const different = corpus().filter(({ path }) => {
      const bytes = readFileSync(path);
      return Buffer.compare(concat(writeOnnx(readOnnx(bytes))), bytes) !== 0;
    });
    expect(different.map((m) => m.name)).toEqual([]);
  });

  test('is written as it was read when every message is made anew from the IR', () => {
    const different = corpus().filter(({ path }) => {
      const bytes = readFileSync(path);
      const written = concat(writeOnnx(readOnnx(bytes), { reencode: true }));
      return Buffer.compare(written, bytes) !== 0;
    });
    expect(different.map((m) => m.name)).toEqual([]);
  });
});
