import { EXTREMES, type Statistics, type ValueStatistics } from '../../running/observe.js';
import type { Range } from './params.js';
import { boundsOf, type Placement, type Unit } from './units.js';

/** Of so many images in which a channel is most extreme, its numbers are taken for outliers; 0: min-max. */
export type Trim = number;

/** The most that can be left out. */
export const MOST_TRIMMED = EXTREMES - 1;

/** The ranges of all values that need some, by name. */
export function rangesOf(placement: Placement, statistics: Statistics, trim: Trim): Map<string, Range> {
  const out = new Map<string, Range>();
  for (const [name, seen] of statistics) out.set(name, rangeOf(seen, trim));
  for (const unit of placement.units)
    for (const value of unit.outputs) {
      const range = out.get(value.name);
      if (range) out.set(value.name, within(range, unit));
    }
  return out;
}

/** Over all channels. */
export function rangeOf(seen: ValueStatistics, trim: Trim): Range {
  const { low, high } = channelRanges(seen, trim);
  return {
    low: low.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    high: high.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  };
}

/** Of few images none is left out: one in ten at most. */
export function channelRanges(
  seen: ValueStatistics,
  trim: Trim,
): { readonly low: Float64Array; readonly high: Float64Array } {
  const skip = Math.min(trim, Math.floor(seen.images / 10), MOST_TRIMMED);
  const channels = seen.lows.length / EXTREMES;
  const pick = (ends: Float64Array): Float64Array =>
    Float64Array.from({ length: channels }, (_, c) => ends[c * EXTREMES + skip] ?? 0);
  return { low: pick(seen.lows), high: pick(seen.highs) };
}

/** An absorbed activation is what the range saturates at. */
function within(range: Range, unit: Unit): Range {
  const bounds = boundsOf(unit);
  return { low: Math.max(range.low, bounds.low), high: Math.min(range.high, bounds.high) };
}
