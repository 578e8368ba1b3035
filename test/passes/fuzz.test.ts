import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { inferShapes } from '../../src/graph/infer.js';
import type { Model } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { registry } from '../../src/ops/index.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { algebra } from '../../src/passes/affine/algebra.js';
import { COMMUTING } from '../../src/passes/affine/move/commute.js';
import { fuse, operatorCounts } from '../../src/passes/fuse.js';
import { runRules } from '../../src/passes/runner.js';
import { brokenInvariants, shadowedNames } from '../support/invariants.js';
import { compareInOrt, compareNaive, drawFeeds, runInOrt } from '../support/equivalence.js';
import { program, textOf } from '../support/fuzz/program.js';
import { type Given, liftAll, reasonsInSources } from '../support/reasons.js';
import { isFull } from '../support/shared.js';

const RUNS = isFull ? 20_000 : 150;
/** One case of so many runs through onnxruntime as well. */
const ORT_EVERY = isFull ? 20 : 10;
/** And one of so many is fused whole, simplifications included. */
const FUSE_EVERY = 3;

interface Counts extends Given {
  cases: number;
  merged: number;
  inOrt: number;
  worst: number;
  /** Graphs in which an affine map moved, by the operators that they have: those that it moves through among them. */
  readonly moved: Map<string, number>;
}

async function check(text: string, counts: Counts): Promise<void> {
  // Nodes that break a rule of their operator, and lead nowhere.
  const broken = text.includes(' odd');
  const [before, merged, fused] = [parseGraph(text), parseGraph(text), parseGraph(text)];
  const problemsOf = (model: Model): readonly string[] => inferShapes(model, registry).map((p) => p.message);
  for (const model of [before, merged])
    if (problemsOf(model).length > 0 && !broken) expect(problemsOf(model)).toEqual([]);
  liftAll(before, counts);
  const report = runRules(merged, algebra(LIFTS), { order: 'backward' });
  for (const [reason, n] of [...report.skipped.values()].flatMap((reasons) => [...reasons]))
    counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + n);
  counts.cases += 1;
  const edits = [...report.applied.values()].reduce((n, count) => n + count, 0);
  if (edits > 0) counts.merged += 1;
  if (report.applied.has('move-affine'))
    for (const op of operatorCounts(before).keys()) counts.moved.set(op, (counts.moved.get(op) ?? 0) + 1);
  const whole = counts.cases % FUSE_EVERY === 0;
  if (whole) await fuse(fused);

  const feeds = drawFeeds(before, counts.cases);
  const type = text.includes('x: float64') ? 'float64' : 'float32';
  for (const after of whole ? [merged, fused] : [merged]) {
    expect(shadowedNames(after)).toEqual([]);
    expect(brokenInvariants(after)).toEqual([]);
    if (!broken) expect(problemsOf(after)).toEqual([]);
    const { ratio } = compareNaive(before, after, feeds, type);
    counts.worst = Math.max(counts.worst, ratio);
    expect(ratio).toBeLessThanOrEqual(1);
  }
  // onnxruntime has no Conv in float64, and refuses broken nodes.
  if (edits === 0 || broken || type === 'float64' || counts.cases % ORT_EVERY !== 0) return;
  // It refuses a Scan over what it cannot infer the shape of.
  const runs = await runInOrt(before, feeds).catch((error: unknown) => {
    if (!(error instanceof CnnxError)) throw error;
    return undefined;
  });
  if (!runs) return;
  counts.inOrt += 1;
  expect((await compareInOrt(before, whole ? fused : merged, feeds, type)).ratio).toBeLessThanOrEqual(1);
}

test('random graphs compute the same, merged and fused', { timeout: 3_600_000 }, async () => {
  const counts: Counts = {
    cases: 0,
    merged: 0,
    inOrt: 0,
    worst: 0,
    moved: new Map(),
    lifted: new Map(),
    reasons: new Map(),
  };
  const property = fc.asyncProperty(program.map(textOf), (text) => check(text, counts));
  await fc.assert(property, { numRuns: RUNS, seed: 2026 });
  expect(counts.merged).toBeGreaterThan(counts.cases / 2);
  if (!isFull) return;
  process.stdout.write(tableOf(counts));
  const rare = [
    ...LIFTS.map((l) => [l.name, counts.lifted.get(l.name) ?? 0] as const),
    ...reasonsInSources().map((r) => [r, counts.reasons.get(r) ?? 0] as const),
    ...COMMUTING.map(
      ({ ops }) => [ops[0]?.name, ops.reduce((n, op) => n + (counts.moved.get(op.name) ?? 0), 0)] as const,
    ),
  ].filter(([, n]) => n < 100);
  expect(rare).toEqual([]);
});

function tableOf({ cases, merged, inOrt, worst, moved, lifted, reasons }: Counts): string {
  const rows = (counts: ReadonlyMap<string, number>): string =>
    [...counts]
      .sort(([, m], [, n]) => n - m)
      .map(([name, n]) => `${String(n).padStart(9)}  ${name}\n`)
      .join('');
  const head = `${cases} random graphs, ${merged} of them merged, ${inOrt} of those also in onnxruntime; largest difference ${worst.toFixed(3)} of the bound`;
  return `${head}\nlifts\n${rows(lifted)}moves, by the operators around them\n${rows(moved)}reasons\n${rows(reasons)}`;
}
