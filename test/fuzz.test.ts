import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../src/base/bytes.js';
import { writeOnnx } from '../src/formats/onnx/index.js';
import { parseGraph } from '../src/text/parse.js';
import { fuzz } from './support/fuzz/campaign.js';
import { program, textOf } from './support/fuzz/program.js';
import { sampleModel } from './support/sample-model.js';
import { groundTruthBytes } from './support/ground-truth.js';
import { corpus, hasShared, isFull } from './support/shared.js';

/** CNNX_FUZZ_SEED runs one input again, CNNX_FUZZ_RUNS so many from the first or from CNNX_FUZZ_FROM. */
const { CNNX_FUZZ_SEED, CNNX_FUZZ_FROM, CNNX_FUZZ_RUNS } = process.env;
const FROM = Number(CNNX_FUZZ_SEED ?? CNNX_FUZZ_FROM ?? 0);
const RUNS = CNNX_FUZZ_SEED === undefined ? Number(CNNX_FUZZ_RUNS ?? (isFull ? 100_000 : 300)) : 1;
/** Models of the corpus up to so many bytes; one in so many of them. */
const CORPUS = { bytes: 4000, every: 5 };

function files(): Uint8Array[] {
  const programs = fc.sample(program, { numRuns: 60, seed: 7 }).map(textOf);
  const sound = ['mlp', 'conv-if', 'fn'].map((name) => groundTruthBytes(`hostile/sound/${name}.onnx`));
  const own = [sampleModel(), ...programs.map((text) => concat(writeOnnx(parseGraph(text)))), ...sound];
  if (!hasShared) return own;
  const small = corpus()
    .filter((_, i) => i % CORPUS.every === 0)
    .map(({ path }) => readFileSync(path))
    .filter((bytes) => bytes.length <= CORPUS.bytes);
  return [...own, ...small];
}

test(`${RUNS} damaged models are refused in words, or come through sound`, { timeout: 7_200_000 }, async () => {
  const { outcomes, failures } = await fuzz(files(), {
    from: FROM,
    below: FROM + RUNS,
    processes: Math.min(availableParallelism(), 2),
    say: isFull ? (text) => process.stderr.write(`${text}\n`) : undefined,
  });
  if (isFull) process.stderr.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
  expect(failures).toEqual([]);
});
