import { type Budget, withinBudget } from './budget.js';
import { Draws } from './draws.js';
import { drawOne } from './sample.js';
import { type SpaceName, spaceOf } from './spaces.js';

export interface SpaceCount {
  readonly space: SpaceName;
  /** Settings of all parameters that the space's definition allows. */
  readonly settings: number;
  /** The share of them that is a network of the space within the budget: estimated, with the interval of 95 %. */
  readonly share: { readonly estimate: number; readonly low: number; readonly high: number };
  /** The product of both. */
  readonly within: { readonly estimate: number; readonly low: number; readonly high: number };
  readonly drawn: number;
  readonly hits: number;
}

const DRAWN = 200_000;

/** How large a design space is under a budget. Its settings are counted; the share that fits is estimated from uniform draws. */
export function countSpace(name: SpaceName, budget: Budget, seed = 0, drawn = DRAWN): SpaceCount {
  const space = spaceOf(name);
  const draws = new Draws(seed, `count ${name}`);
  let hits = 0;
  for (let i = 0; i < drawn; i++) {
    const one = drawOne(space, draws, 'uniform');
    if (one && withinBudget(space, one.costs, budget)) hits += 1;
  }
  const { low, high } = wilson(hits, drawn);
  const times = (share: number): number => share * space.size;
  const estimate = hits / drawn;
  return {
    space: name,
    settings: space.size,
    share: { estimate, low, high },
    within: { estimate: times(estimate), low: times(low), high: times(high) },
    drawn,
    hits,
  };
}

/** Wilson's interval of a share, 95 % (E. B. Wilson, 1927). */
export function wilson(hits: number, of: number): { readonly low: number; readonly high: number } {
  const z = 1.959963984540054;
  const p = hits / of;
  const middle = (p + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2))) / (1 + z ** 2 / of);
  return { low: hits === 0 ? 0 : middle - half, high: hits === of ? 1 : middle + half };
}
