import { expect } from 'vitest';
import { inferShapes } from '../../src/graph/infer.js';
import type { Model } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { registry } from '../../src/ops/index.js';
import type { Lift } from '../../src/passes/affine/lift.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { algebra } from '../../src/passes/affine/algebra.js';
import { operatorCounts } from '../../src/passes/fuse.js';
import { runRules } from '../../src/passes/runner.js';
import { type FloatName, expectEquivalent, typed } from './equivalence.js';
import { liftAll } from './reasons.js';

/** `y = BatchNormalization(x)` over so many channels, its parameters filled from their names. */
export const bn = (y: string, x: string, channels: number, type = 'float32'): string => {
  const params = ['g', 'b', 'm', 'v'].map((p) => `${p}.${y}: ${type}[${channels}]`).join(', ');
  return `${y} = BatchNormalization(${x}, ${params})`;
};

export const graph = (inputs: string, outputs: string, ...lines: readonly string[]): string =>
  `(${inputs}) -> (${outputs})\n ${lines.join('\n ')}`;

/** What the merge makes of a graph, as counts of its operators. */
export function merged(
  text: string,
  lifts: readonly Lift[] = LIFTS,
): {
  readonly before: Model;
  readonly after: Model;
  readonly ops: Readonly<Record<string, number>>;
} {
  const before = typed(text);
  const after = typed(text);
  runRules(after, algebra(lifts), { order: 'backward' });
  return { before, after, ops: Object.fromEntries(operatorCounts(after)) };
}

/** Fails unless a graph merges into these operators and still computes the same, in float64 and in onnxruntime. */
export async function expectMerge(
  text: string,
  ops: Readonly<Record<string, number>>,
  type?: FloatName,
  lifts?: readonly Lift[],
): Promise<void> {
  const run = merged(text, lifts);
  expect(run.ops).toEqual(ops);
  await expectEquivalent(run.before, run.after, { type, naiveOnly: type === 'float64' });
}

/**
 * A reason, a graph that gives it, and whether the graph can be run at all ('broken': it breaks the operator's own
 * rules).
 */
export type Row = readonly [why: string, text: string, broken?: 'broken' | undefined];

/** Fails unless the merge leaves a graph as it is, some lift says `why`, and it still computes the same. */
export async function expectLeft([why, text, broken]: Row): Promise<void> {
  const before = parseGraph(text);
  const after = parseGraph(text);
  for (const model of [before, after]) inferShapes(model, registry);
  const { reasons } = liftAll(before);
  const { skipped } = runRules(after, algebra(LIFTS), { order: 'backward' });
  expect([...reasons.keys(), ...[...skipped.values()].flatMap((m) => [...m.keys()])]).toContain(why);
  expect(operatorCounts(after)).toEqual(operatorCounts(before));
  if (broken === undefined) await expectEquivalent(before, after);
}
