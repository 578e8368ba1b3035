import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { throughProtobufjs } from '../../support/protobufjs.js';
import { corpus, describeShared, isFull } from '../../support/shared.js';

/** Larger models hold nothing but more weights. */
const MAX_BYTES = 200_000;

describeShared('protobufjs, an encoder of its own, over the same schema', () => {
  test('makes the same bytes of every corpus model as a forced re-encode', () => {
    const models = corpus().filter((_, i) => isFull || i % 4 === 0);
    let compared = 0;
    for (const { path } of models) {
      const bytes = new Uint8Array(readFileSync(path));
      if (bytes.length > MAX_BYTES) continue;
      compared += 1;
      const ours = concat(writeOnnx(readOnnx(bytes), { reencode: true }));
      expect(Buffer.compare(throughProtobufjs(bytes), ours), path).toBe(0);
    }
    expect(compared).toBeGreaterThan(models.length * 0.9);
  });
});
