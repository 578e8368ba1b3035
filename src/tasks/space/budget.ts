import { CnnxError } from '../../base/errors.js';
import type { NetworkCosts } from '../../builders/regnet-costs.js';
import type { Space } from './spaces.js';

/** From and to, both included. */
export type Range = readonly [number, number];

/** What networks may cost; what is absent may be anything. */
export interface Budget {
  readonly macs?: Range | undefined;
  readonly params?: Range | undefined;
  readonly activations?: Range | undefined;
}

/** Whether a network is within a budget, and for RegNet within the limits that its authors sample under. */
export function withinBudget(space: Space, costs: NetworkCosts, budget: Budget): boolean {
  const fits = (value: number, range: Range | undefined): boolean =>
    range === undefined || (value >= range[0] && value <= range[1]);
  if (!fits(costs.macs, budget.macs) || !fits(costs.params, budget.params)) return false;
  if (!fits(costs.activations, budget.activations)) return false;
  if (space.family !== 'regnet') return true;
  // For F billion multiply-accumulates: parameters below 3 + 5.5 F million, activations below 6.5 sqrt(F) million. Facts: pycls, sweep/config.py.
  const f = (Number.isFinite(budget.macs?.[1]) ? (budget.macs?.[1] ?? costs.macs) : costs.macs) / 1e9;
  if (budget.params === undefined && costs.params >= (3 + 5.5 * f) * 1e6) return false;
  return budget.activations !== undefined || costs.activations < 6.5 * Math.sqrt(f) * 1e6;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, B: 1e9 };

/** A range as people write it: `0.38..0.42G`, `..3M`, `2M..`, `380M..0.42G`. Throws `space/budget`. */
export function parseRange(text: string): Range {
  const [, low = '', lowUnit = '', high = '', highUnit = ''] =
    /^(?:([\d.]+)([kKMGB]?))?\.\.(?:([\d.]+)([kKMGB]?))?$/.exec(text.trim()) ?? [];
  const unit = (own: string, other: string): number => UNITS[own === '' ? other : own] ?? Number.NaN;
  const from = low === '' ? 0 : Number(low.replace(/\.$/, '')) * unit(lowUnit, highUnit);
  const to = high === '' ? Number.POSITIVE_INFINITY : Number(high) * unit(highUnit, '');
  if ((low === '' && high === '') || !Number.isFinite(from) || Number.isNaN(to) || from > to)
    throw new CnnxError('space/budget', `${JSON.stringify(text)} is no range`, {
      hint: 'as in 0.38..0.42G, ..3M or 2M..; units are k, M and G',
    });
  return [from, to];
}
