import { type Dataset, shuffled, subset } from '../running/dataset.js';

export interface Split {
  /** Ranges and means come from these. */
  readonly calibration: Dataset;
  /** What a quantised model is measured on. */
  readonly heldBack: Dataset;
  /** Whether the two are the same, for want of data. */
  readonly same: boolean;
}

/** Held back where the dataset has more than are calibrated with, at most; and of a dataset that is used up, one in so many. */
const MOST_HELD_BACK = 128;
const HELD_BACK_SHARE = 8;

/** Calibration data in a seeded order, and others to measure on. */
export function split(data: Dataset, samples: number, seed: number): Split {
  const order = shuffled(data.count, seed);
  const spare = Math.max(data.count - samples, Math.floor(data.count / HELD_BACK_SHARE));
  const held = Math.min(spare, MOST_HELD_BACK);
  if (held === 0) return { calibration: data, heldBack: data, same: true };
  const used = Math.min(samples, data.count - held);
  return {
    calibration: subset(data, order.slice(0, used)),
    heldBack: subset(data, order.slice(used, used + held)),
    same: false,
  };
}
