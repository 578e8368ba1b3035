import type { Model } from '../graph/ir.js';
import type { Runner } from '../running/runner.js';
import type { Feeds } from '../running/session.js';
import { isFloat } from '../tensor/tensor.js';
import { commonValues, groups, observeAll } from './bisect.js';
import { silence } from './evidence.js';
import { distance, NO_DISTANCE, worse } from './statistics.js';
import { HEADROOM, precisionOf } from './tolerance.js';

/**
 * For models whose outputs say nothing: whether the values next above them that do say something, and that both models
 * have by name, agree. 'silent' where there are none.
 */
export async function agreeInside(
  reference: Model,
  candidate: Model,
  inputs: readonly Feeds[],
  runner: Runner,
): Promise<'agree' | 'differ' | 'silent'> {
  const { least } = precisionOf([reference, candidate]);
  for (const group of groups(commonValues(reference, candidate).toReversed())) {
    const names = group.map((v) => v.name);
    const plain = await observeAll(reference, names, 'disabled', inputs, runner);
    const [again] = await observeAll(reference, names, 'all', inputs.slice(0, 1), runner);
    const other = await observeAll(candidate, names, 'disabled', inputs, runner);
    let agree = false;
    for (const name of names) {
      const expected = plain.flatMap((o) => o.get(name) ?? []);
      const [first] = expected;
      if (!first || !isFloat(first.dtype) || silence(expected) !== undefined) continue;
      const noisy = again?.get(name);
      const floor = noisy?.shape.join() === first.shape.join() ? distance(noisy, first).rmsRelative : 0;
      let d = NO_DISTANCE;
      for (const [i, e] of expected.entries()) {
        const a = other[i]?.get(name);
        if (a?.shape.join() !== e.shape.join() || a.dtype !== e.dtype) return 'differ';
        d = worse(d, distance(a, e));
      }
      if (d.rmsRelative > Math.max(HEADROOM * floor, least) || d.misplaced > 0) return 'differ';
      agree = true;
    }
    if (agree) return 'agree';
  }
  return 'silent';
}
