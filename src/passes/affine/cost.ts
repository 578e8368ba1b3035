import { type Skip, skip } from '../rule.js';
import { type Form, type Term, weightCount } from './form.js';

/** What may count most where a rewrite gains in one way and costs in another: time, bytes, or multiply-accumulates. */
export const PREFER = ['speed', 'size', 'macs'] as const;

/** What counts most. */
export type Prefer = (typeof PREFER)[number];

/** Slack for the division that a selection of channels puts into a count of multiply-accumulates. */
const ROUNDING = 1e-9;

/**
 * Parallel convolutions whose sum is no slower though it has more multiply-accumulates, since an input is read once instead of twice and an Add goes:
 * up to so many input channels in a group, and so many times the multiply-accumulates. Measured, see docs/performance.md ("Parallel convolutions");
 * nothing is measured while fusing.
 */
const NO_SLOWER = { channels: 8, macs: 1.5 };

/**
 * Why a form costs more than what it replaces: more multiply-accumulates or more weights (a bias may be new). With `speed`, parallel branches may
 * grow as far as they are still no slower; with `size` only the weights count, with `macs` only the multiply-accumulates.
 */
export function costs(
  { form, windows }: { readonly form: Form; readonly windows: readonly Term[] },
  prefer?: Prefer,
): Skip | undefined {
  const weights = windows.reduce((n, t) => n + weightCount(t), 0);
  if (prefer === 'speed' && form.stacked === 0) {
    const channels = windows.reduce((most, t) => Math.max(most, t.inputs / t.groups), 1);
    const limit = channels <= NO_SLOWER.channels ? NO_SLOWER.macs : 1;
    return weights > form.macs * limit * (1 + ROUNDING) ? skip('more-macs') : undefined;
  }
  if (prefer !== 'size' && weights > form.macs * (1 + ROUNDING)) return skip('more-macs');
  return prefer !== 'macs' && weights > form.params ? skip('more-weights') : undefined;
}
