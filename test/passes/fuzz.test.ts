import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { inferShapes } from '../../src/graph/infer.js';
import { registry } from '../../src/ops/index.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { mergeLinear } from '../../src/passes/affine/merge.js';
import { runRules } from '../../src/passes/runner.js';
import { compareInOrt, compareNaive, drawFeeds, typed } from '../support/equivalence.js';
import { program, textOf } from '../support/fuzz/program.js';
import { type Given, liftAll } from '../support/reasons.js';
import { isFull } from '../support/shared.js';

const RUNS = isFull ? 20_000 : 200;
/** One case of so many runs through onnxruntime as well. */
const ORT_EVERY = isFull ? 50 : 10;

interface Counts extends Given {
  cases: number;
  merged: number;
  inOrt: number;
  worst: number;
}

async function check(text: string, counts: Counts): Promise<void> {
  const before = typed(text);
  const after = typed(text);
  liftAll(before, counts);
  const report = runRules(after, [mergeLinear(LIFTS)], { order: 'backward' });
  counts.cases += 1;
  const edits = report.applied.get('merge-linear') ?? 0;
  if (edits > 0) counts.merged += 1;
  expect(inferShapes(after, registry).map((p) => p.message)).toEqual([]);
  const feeds = drawFeeds(before, counts.cases);
  const type = text.includes('float64') ? 'float64' : 'float32';
  const { ratio } = compareNaive(before, after, feeds, type);
  counts.worst = Math.max(counts.worst, ratio);
  expect(ratio).toBeLessThanOrEqual(1);
  // onnxruntime has no Conv in float64.
  if (edits === 0 || type === 'float64' || counts.cases % ORT_EVERY !== 0) return;
  counts.inOrt += 1;
  expect((await compareInOrt(before, after, feeds, type)).ratio).toBeLessThanOrEqual(1);
}

test(`random graphs compute the same after the merge`, { timeout: 3_600_000 }, async () => {
  const counts: Counts = { cases: 0, merged: 0, inOrt: 0, worst: 0, lifted: new Map(), reasons: new Map() };
  const property = fc.asyncProperty(program.map(textOf), (text) => check(text, counts));
  await fc.assert(property, { numRuns: RUNS, seed: 2026, endOnFailure: false });
  if (isFull || process.env.CNNX_FUZZ_COUNTS)
    process.stdout.write(
      `${JSON.stringify({ ...counts, lifted: [...counts.lifted], reasons: [...counts.reasons] }, undefined, 1)}\n`,
    );
  expect(counts.merged).toBeGreaterThan(counts.cases / 2);
});
