import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { concat, memorySource } from '../../../src/base/bytes.js';
import { LIMITS } from '../../../src/base/limits.js';
import { decode } from '../../../src/formats/onnx/decode.js';
import { encode, ReverseWriter } from '../../../src/formats/onnx/encode.js';
import { corpus, describeShared } from '../../support/shared.js';

describeShared('messages', () => {
  test('decode and encode every model of the corpus to the same bytes', () => {
    const different = corpus().filter(({ path }) => {
      const bytes = readFileSync(path);
      const w = new ReverseWriter();
      encode(w, decode(memorySource(bytes), 'ModelProto', LIMITS));
      return Buffer.compare(concat(w.finish()), bytes) !== 0;
    });
    expect(different.map((m) => m.name)).toEqual([]);
  });
});
