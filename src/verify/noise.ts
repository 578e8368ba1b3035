import { CnnxError } from '../base/errors.js';
import type { Model } from '../graph/ir.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly, runAll, type Session } from '../running/session.js';
import { nudgedFeeds, nudgedModel } from './nudge.js';
import { distance, type Distance, NO_DISTANCE, worse } from './statistics.js';

/** One thread: the same result on every run, whatever the machine. */
export const THREADS = 1;

/** Seeds of the bits that are turned: of two, one moves what the other may leave. */
const NUDGES = [1, 2];

/**
 * A model whose noise is measured: what it gave for some inputs with the optimiser off, as `shown` picks from its
 * outputs.
 */
export interface Noisy {
  readonly model: Model;
  readonly inputs: readonly Feeds[];
  readonly expected: readonly Feeds[];
  readonly shown: (outputs: Feeds) => Feeds;
  readonly runner: Runner;
}

/** By output: how far a model is from itself with onnxruntime's optimiser on. Throws what running it throws. */
export async function optimiserNoise({
  model,
  inputs,
  expected,
  shown,
  runner,
}: Noisy): Promise<ReadonlyMap<string, Distance>> {
  const optimized = await runOnce(await runner.load(model, { optimization: 'all', threads: THREADS }), inputs);
  return worstByOutput(optimized.map(shown), expected);
}

/**
 * By output: how far a model moves when last bits of its weights and inputs turn, with the optimiser off. What rounding
 * amounts to in it, whatever an optimiser may do wrong. Empty where it cannot be run.
 */
export async function lastBitNoise({
  model,
  inputs,
  expected,
  shown,
  runner,
}: Noisy): Promise<ReadonlyMap<string, Distance>> {
  const out = new Map<string, Distance>();
  for (const seed of NUDGES) {
    const turned = nudgedModel(model, seed);
    try {
      const session = await runner.load(turned, { optimization: 'disabled', threads: THREADS });
      const moved = await runOnce(
        session,
        inputs.map((f) => nudgedFeeds(f, seed)),
      );
      for (const [name, d] of worstByOutput(moved.map(shown), expected))
        out.set(name, worse(out.get(name) ?? NO_DISTANCE, d));
    } catch (error) {
      if (!(error instanceof CnnxError) || error.exitCode !== 3) throw error;
    } finally {
      runner.forget(turned);
    }
  }
  return out;
}

/** Runs a session that is needed for nothing else. */
export async function runOnce(session: Session, inputs: readonly Feeds[]): Promise<readonly Feeds[]> {
  try {
    return await runAll(session, inputs);
  } finally {
    await releaseQuietly(session);
  }
}

function worstByOutput(a: readonly Feeds[], b: readonly Feeds[]): ReadonlyMap<string, Distance> {
  const out = new Map<string, Distance>();
  b.forEach((expected, i) => {
    for (const [name, tensor] of expected) {
      const other = a[i]?.get(name);
      if (other && other.shape.join() === tensor.shape.join())
        out.set(name, worse(out.get(name) ?? NO_DISTANCE, distance(other, tensor)));
    }
  });
  return out;
}
