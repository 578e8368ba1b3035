import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { tensorFromProto } from '../../src/formats/onnx/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import { isTensorType } from '../../src/graph/types.js';
import type { Model } from '../../src/graph/ir.js';
import { openModel } from '../../src/node/files/model-file.js';
import { fuse } from '../../src/passes/fuse.js';
import { evaluator } from '../../src/running/evaluate.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type CorpusModel, corpus, describeShared, isFull } from '../support/shared.js';
import { compareModels } from '../../src/node/api.js';
import { requiredInputs } from '../../src/running/required-inputs.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

/** All but the files that hang onnxruntime take far less, on a busy machine too. */
const SLOW_MS = 10_000;

/** One in so many, in the quick run. */
const SLICE = 19;

interface Outcome {
  readonly name: string;
  readonly verdict: 'match' | 'mismatch' | 'not verified' | 'unchanged' | 'unreadable';
  readonly why: string | undefined;
  readonly ms: number;
}

const models = new ProcessRunner({ timeout: 30_000 });
afterAll(() => models.close());

/** Fuses one model and compares it with what it was, on the corpus' own inputs where it has some. */
async function outcomeOf(entry: CorpusModel): Promise<Outcome> {
  const { name, path } = entry;
  const before = await readable(path);
  if (!before) return { name, verdict: 'unreadable', why: undefined, ms: 0 };
  const after = cloneModel(before);
  const start = performance.now();
  const report = await fuse(after, { evaluate: evaluator(models) });
  const ms = performance.now() - start;
  if (report.applied.size === 0) return { name, verdict: 'unchanged', why: undefined, ms };
  const inputs = givenInputs(before, entry);
  const result = await compareModels(before, after, { runner: models, runs: 2, ...(inputs && { inputs: [inputs] }) });
  const outputs = result.outputs.flatMap((o) => o.mismatch ?? []);
  return { name, verdict: result.verdict, why: [result.why, ...outputs].filter(Boolean).join('; '), ms };
}

/** Files that cannot be read, the reader's own tests are about. */
async function readable(path: string): Promise<Model | undefined> {
  try {
    return await openModel(path);
  } catch (error) {
    if (error instanceof CnnxError) return undefined;
    throw error;
  }
}

/** input_N.pb is for the Nth input that the caller has to give; undefined unless all are there and are tensors. */
function givenInputs(model: Model, { dataSets }: CorpusModel): ReadonlyMap<string, Tensor> | undefined {
  const [folder] = dataSets;
  const wanted = requiredInputs(model);
  if (folder === undefined || wanted.some((v) => !isTensorType(v.type))) return undefined;
  const files = readdirSync(folder).filter((f) => f.startsWith('input_'));
  if (files.length !== wanted.length || files.length === 0) return undefined;
  return new Map(wanted.map((v, i) => [v.name, tensorFromProto(readFileSync(join(folder, `input_${i}.pb`)))]));
}

describeShared('fusing the corpus', () => {
  test('none wrong, none slow', { timeout: 1_800_000 }, async () => {
    const entries = corpus().filter((_, i) => isFull || i % SLICE === 0);
    const outcomes: Outcome[] = [];
    for (const entry of entries) outcomes.push(await outcomeOf(entry));
    const of = (verdict: Outcome['verdict']): Outcome[] => outcomes.filter((o) => o.verdict === verdict);
    expect(of('mismatch')).toEqual([]);
    expect(outcomes.filter((o) => o.ms > SLOW_MS)).toEqual([]);
    // What is not verified does not run before either; most models do.
    expect(of('not verified').length).toBeLessThan(outcomes.length / 10);
    expect(of('match').length).toBeGreaterThan(outcomes.length / 10);
  });
});
