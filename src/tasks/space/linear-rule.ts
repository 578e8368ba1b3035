import { blockWidths } from '../../builders/regnet-widths.js';

/** The quantised linear rule nearest to given block widths. */
export interface LinearRule {
  readonly w0: number;
  readonly wa: number;
  readonly wm: number;
  readonly d: number;
  /** The mean |log(predicted / given)| over the blocks: 0 where the widths follow the rule. */
  readonly error: number;
}

/** Steps of the multiplier that are tried, from 1.5 to 3 as in the paper. */
const MULTIPLIERS = Array.from({ length: 76 }, (_, i) => Number((1.5 + 0.02 * i).toFixed(2)));

/**
 * Fits w0, wa and wm to the widths of a network's blocks by a search of a grid, as arXiv:2003.13678 sec. 3.3 does: for each multiplier the first
 * width and slopes around the straight line through the first and last block are tried.
 */
export function fitLinearRule(stages: readonly { readonly width: number; readonly depth: number }[]): LinearRule {
  const given = stages.flatMap(({ width, depth }) => Array.from({ length: depth }, () => width));
  const d = given.length;
  const [first = 8] = given;
  const last = given.at(-1) ?? first;
  const slope = (last - first) / Math.max(1, d - 1);
  let best: LinearRule = { w0: first, wa: 0, wm: 2, d, error: errorOf(given, { w0: near8(first), wa: 0, wm: 2, d }) };
  for (let w = Math.max(8, near8(first) - 16); w <= near8(first) + 16; w += 8)
    for (let s = 0.6; s <= 1.5; s += 0.1) {
      const wa = Number((slope * s).toFixed(2));
      for (const wm of MULTIPLIERS) {
        const error = errorOf(given, { w0: w, wa, wm, d });
        if (error < best.error) best = { w0: w, wa, wm, d, error };
      }
    }
  return best;
}

const near8 = (x: number): number => Math.max(8, Math.round(x / 8) * 8);

function errorOf(given: readonly number[], rule: Omit<LinearRule, 'error'>): number {
  if (rule.wa < 0) return Number.POSITIVE_INFINITY;
  const widths = blockWidths(rule);
  return given.reduce((s, w, i) => s + Math.abs(Math.log((widths[i] ?? w) / w)), 0) / given.length;
}
