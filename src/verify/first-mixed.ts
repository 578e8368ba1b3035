import type { Model, Value } from '../graph/ir.js';
import { nodeLabel } from '../graph/order.js';
import type { Runner } from '../running/runner.js';
import type { Feeds } from '../running/session.js';
import { isFloat, type Tensor } from '../tensor/tensor.js';
import { commonValues, groups, observeAll } from './bisect.js';
import { arrangements, rowsOf } from './samples.js';
import { distance, NO_DISTANCE, worse } from './statistics.js';
import { HEADROOM, precisionOf } from './tolerance.js';

/** A value in which one sample depends on the others. */
export interface Mixed {
  readonly value: string;
  /** The node that makes it: its name, or its operator and what it makes. */
  readonly node: string;
  readonly op: string;
}

export interface InnerSamples {
  /** The first value, in the original's order, that is not for several samples at once what it is for each alone. */
  readonly mixed?: Mixed | undefined;
  /** Whether some value tells one sample from another: where none does, nothing is shown. */
  readonly telling: boolean;
}

/**
 * Compares the values that both models have, of samples together with each alone: in order, up to the first that mixes them; or from the outputs up, `nearest`,
 * until some tell samples apart, as what mixes above them would show in them.
 */
export async function compareInside(
  models: { readonly original: Model; readonly changed: Model },
  alone: readonly Feeds[],
  together: Feeds,
  old: number,
  runner: Runner,
  nearest = false,
): Promise<InnerSamples> {
  const { original, changed } = models;
  const { least } = precisionOf([original, changed]);
  const values = commonValues(original, changed);
  for (const group of groups(nearest ? values.toReversed() : values)) {
    const names = group.map((v) => v.name);
    const own = await observeAll(original, names, 'disabled', alone, runner);
    const [again] = await observeAll(original, names, 'all', alone.slice(0, 1), runner);
    const [all] = await observeAll(changed, names, 'disabled', [together], runner);
    let telling = false;
    for (const value of group) {
      const [a, b, noisy] = [own.flatMap((o) => o.get(value.name) ?? []), all?.get(value.name), again?.get(value.name)];
      const [sample] = a;
      // Integers may be sizes, and those grow with the batch.
      if (!b || !sample || !isFloat(b.dtype)) continue;
      const floor = noisy?.shape.join() === sample.shape.join() ? distance(noisy, sample).rmsRelative : 0;
      if (isApart(a, b, old, Math.max(HEADROOM * floor, least))) return { mixed: mixed(value), telling: true };
      telling ||= a.some((t) => t.shape.join() === sample.shape.join() && distance(t, sample).unequal > 0);
    }
    if (nearest && telling) return { telling };
  }
  return { telling: false };
}

function isApart(alone: readonly Tensor[], together: Tensor, old: number, allowed: number): boolean {
  return arrangements(alone[0], together, old, alone.length).every((arrangement) => {
    const rows = rowsOf(alone, together, arrangement, old);
    const d = rows.own.reduce((sum, e, i) => worse(sum, distance(rows.together[i] ?? e, e)), NO_DISTANCE);
    return d.rmsRelative > allowed || d.misplaced > 0;
  });
}

const mixed = (value: Value): Mixed => ({
  value: value.name,
  node: value.producer ? nodeLabel(value.producer) : '',
  op: value.producer?.opType ?? '',
});
