import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, memorySource } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { readCheckpoint } from '../../src/formats/checkpoint.js';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { groundTruthBytes, groundTruthJson } from '../support/ground-truth.js';
import { isFull } from '../support/shared.js';
import { torchStateDict } from '../support/torch-file.js';

/** Whatever happens to a file, it is read or refused in words. */
function survives(bytes: Uint8Array, name: string): void {
  try {
    for (const t of readCheckpoint(memorySource(bytes), name).tensors.values()) if (t.byteLength < 1e6) t.bytes();
  } catch (error) {
    expect(error).toBeInstanceOf(CnnxError);
    expect(error).toMatchObject({ exitCode: 2 });
  }
}

function samples(): (readonly [string, Uint8Array])[] {
  const own = torchStateDict({
    w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    b: { shape: [2], data: Float32Array.of(5, 6) },
  });
  const zip = own.read(0, own.size);
  const safetensors = concat(writeSafetensors(readCheckpoint(memorySource(zip))));
  const written = [['own.pt', zip] as const, ['own.safetensors', safetensors] as const];
  const { files } = groundTruthJson('checkpoints/manifest.json') as { files: { file: string }[] };
  return [
    ...written,
    ...files.map(({ file }) => [file, new Uint8Array(groundTruthBytes(`checkpoints/${file}`))] as const),
  ];
}

const change = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(40) }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(), value: fc.nat(40) }),
);

test.each(samples())('%s, changed at random, is read or refused in words', (name, bytes) => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let now = bytes;
      for (const { kind, at, value } of changes) {
        const i = now.length === 0 ? 0 : at % now.length;
        if (kind === 'set') now = Uint8Array.from(now, (b, k) => (k === i ? value : b));
        else if (kind === 'cut') now = new Uint8Array(Buffer.concat([now.subarray(0, i), now.subarray(i + value)]));
        else now = new Uint8Array(Buffer.concat([now.subarray(0, i + value), now.subarray(i)]));
      }
      survives(now, name);
    }),
    { numRuns: isFull ? 20_000 : 150 },
  );
});

test.each(samples())('%s, cut off at any byte, is refused or lacks nothing', (name, bytes) => {
  const step = isFull ? 1 : 37;
  for (let size = 0; size < bytes.length; size += step) survives(bytes.slice(0, size), name);
});

test('a pickle with bytes changed under a checksum that fits is read or refused in words', () => {
  const source = (bytes: Uint8Array) => readCheckpoint(memorySource(bytes), 'x.pkl');
  const pickles = fc.array(
    fc.oneof(
      fc.constantFrom(...Array.from('()]}.0123BCFGIJKLMNPQRSTUVXabcdeghijlopqrstu', (c) => c.charCodeAt(0))),
      fc.nat(255),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(pickles, (ops) => {
      expect(() => source(Uint8Array.of(0x80, 2, ...ops, 0x2e))).toThrow(CnnxError);
    }),
    { numRuns: isFull ? 200_000 : 3000 },
  );
});
