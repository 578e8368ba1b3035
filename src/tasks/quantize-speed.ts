import type { Model } from '../graph/ir.js';
import type { StartRunner } from '../running/runner.js';
import { PATIENT } from '../running/runner.js';
import type { Feeds } from '../running/session.js';

/** Turns of each model, and about how long all of them may take together. */
const MOST_TURNS = 200;
const LEAST_TURNS = 10;
const BUDGET = 3_000;

/**
 * The least time that one run takes, in milliseconds, of several models that run in turns in one process: whatever else the machine does makes a run
 * longer, never shorter. In the session options that users have (all of onnxruntime's rewriting).
 */
export async function leastTimes(
  models: readonly Model[],
  feeds: Feeds,
  { startRunner, threads }: { readonly startRunner: StartRunner; readonly threads: number | undefined },
): Promise<readonly number[]> {
  const runner = startRunner(PATIENT);
  try {
    const sessions = [];
    for (const model of models) sessions.push(await runner.load(model, { threads }));
    const best: number[] = [];
    let slowest = 0;
    for (const [i, session] of sessions.entries()) {
      const times = await session.time(feeds, 3);
      best[i] = Math.min(...times);
      slowest += Math.min(...times);
    }
    const turns = Math.max(LEAST_TURNS, Math.min(MOST_TURNS, Math.floor(BUDGET / Math.max(slowest, 0.1))));
    for (let turn = 0; turn < turns; turn++) {
      const order = turn % 2 === 0 ? [...sessions.keys()] : [...sessions.keys()].toReversed();
      for (const i of order) {
        const [time = Number.POSITIVE_INFINITY] = (await sessions[i]?.time(undefined, 1)) ?? [];
        best[i] = Math.min(best[i] ?? time, time);
      }
    }
    return best;
  } finally {
    runner.close();
  }
}
