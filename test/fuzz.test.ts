import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chunk, concat } from '../src/base/bytes.js';
import { CnnxError } from '../src/base/errors.js';
import { readOnnx, writeOnnx } from '../src/formats/onnx/index.js';
import { checkModel } from '../src/graph/check.js';
import { inferShapes } from '../src/graph/infer.js';
import { parseGraph } from '../src/graph/parse.js';
import { registry } from '../src/ops/index.js';
import { fuse } from '../src/passes/fuse.js';
import { program, textOf } from './support/fuzz/program.js';
import { brokenInvariants } from './support/invariants.js';
import { mutate } from './support/mutate.js';
import { sampleModel } from './support/sample-model.js';
import { corpus, hasShared, isFull, sharedBytes } from './support/shared.js';
import { parseWire, type WireField } from './support/wire.js';

/** CNNX_FUZZ_SEED runs one input again, CNNX_FUZZ_RUNS so many from the first. */
const RUNS = Number(process.env.CNNX_FUZZ_RUNS ?? (isFull ? 100_000 : 300));
const ONLY = process.env.CNNX_FUZZ_SEED;
const SLOW_MS = 2000;
/** Models of the corpus up to so many bytes; one in so many of them. */
const CORPUS = { bytes: 4000, every: 5 };
/** Failures that are listed. */
const LISTED = 20;

interface Source {
  readonly name: string;
  readonly tree: readonly WireField[];
}

function sources(): Source[] {
  const programs = fc.sample(program, { numRuns: 60, seed: 7 }).map(textOf);
  const own = programs.map((text, i) => [`program ${i}`, concat(writeOnnx(parseGraph(text)))] as const);
  const files: (readonly [string, Uint8Array])[] = [['sample', sampleModel()], ...own];
  if (hasShared) {
    for (const name of ['mlp', 'conv-if', 'fn'])
      files.push([name, sharedBytes(`reference/hostile/sound/${name}.onnx`)]);
    const small = corpus()
      .filter((_, i) => i % CORPUS.every === 0)
      .map(({ name, path }) => [name, readFileSync(path)] as const);
    files.push(...small.filter(([, bytes]) => bytes.length <= CORPUS.bytes));
  }
  return files.map(([name, bytes]) => ({ name, tree: parseWire(new Uint8Array(bytes)) }));
}

type Outcome = 'refused' | 'faulty' | 'unchanged' | 'fused';

const errorsOf = (model: Parameters<typeof checkModel>[0]): string[] =>
  checkModel(model, registry).flatMap((p) => (p.severity === 'error' ? [`${p.code}: ${p.message}`] : []));

const same = (a: readonly Chunk[], b: readonly Chunk[]): string[] =>
  Buffer.compare(concat(a), concat(b)) === 0 ? [] : ['other bytes'];

function require(what: string, wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(`${what}: ${wrong.join('; ')}`);
}

/** A file through all of it. Throws where something is thrown that is not refused in words, or where the result is worse than the file. */
async function through(bytes: Uint8Array): Promise<Outcome> {
  let model: ReturnType<typeof readOnnx>;
  try {
    model = readOnnx(bytes);
  } catch (error) {
    if (error instanceof CnnxError) return 'refused';
    throw error;
  }
  require('writing it as it is', same(writeOnnx(model), [bytes]));
  const faults = errorsOf(model);
  inferShapes(model, registry);
  let applied: ReadonlyMap<string, number>;
  try {
    ({ applied } = await fuse(model));
  } catch (error) {
    if (faults.length > 0 && error instanceof CnnxError) return 'faulty';
    throw error;
  }
  const again = readOnnx(concat(writeOnnx(model)));
  if (faults.length > 0) return 'faulty';
  require('invariants', brokenInvariants(model));
  require('the result', errorsOf(again));
  require('reading it back', same(writeOnnx(again, { reencode: true }), writeOnnx(model, { reencode: true })));
  return applied.size > 0 ? 'fused' : 'unchanged';
}

test(`${RUNS} damaged models are refused in words, or come through sound`, { timeout: 7_200_000 }, async () => {
  const all = sources();
  const operators = [...new Set(registry.all.map((op) => op.name))];
  const counts = new Map<Outcome, number>();
  const failures: string[] = [];
  const seeds = ONLY === undefined ? Array.from({ length: RUNS }, (_, i) => i) : [Number(ONLY)];
  for (const seed of seeds) {
    const source = all[seed % all.length];
    if (!source) break;
    const bytes = mutate(source.tree, seed, operators);
    const start = process.cpuUsage();
    try {
      const outcome = await through(bytes);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failures.push(`CNNX_FUZZ_SEED=${seed} (${source.name}): ${what.slice(0, 900)}`);
    }
    const { user, system } = process.cpuUsage(start);
    if ((user + system) / 1000 > SLOW_MS)
      failures.push(`CNNX_FUZZ_SEED=${seed} (${source.name}): ${(user + system) / 1000} ms`);
    if (failures.length === LISTED) break;
    if (isFull && seed % 10_000 === 9_999) process.stderr.write(`${seed + 1} inputs\n`);
  }
  if (isFull) process.stderr.write(`${JSON.stringify(Object.fromEntries(counts))} of ${all.length} files\n`);
  expect(failures).toEqual([]);
});
