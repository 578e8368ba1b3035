import { asFloat64, type Tensor } from '../tensor/tensor.js';

/** A share of a number of trials, and where the true one lies with 95 % confidence. */
export interface Share {
  readonly percent: number;
  readonly low: number;
  readonly high: number;
  readonly correct: number;
  readonly of: number;
}

/** 97.5 % of a normal distribution lie below. */
const Z = 1.959963984540054;

/** Wilson's score interval (E. B. Wilson, 1927): also right near 0 and 100 %. */
export function wilson(correct: number, of: number): Share {
  if (of === 0) return { percent: Number.NaN, low: 0, high: 100, correct, of };
  const p = correct / of;
  const centre = p + Z ** 2 / (2 * of);
  const spread = Z * Math.sqrt((p * (1 - p)) / of + Z ** 2 / (4 * of ** 2));
  const scale = 100 / (1 + Z ** 2 / of);
  return {
    percent: 100 * p,
    low: correct === 0 ? 0 : Math.max(0, scale * (centre - spread)),
    high: correct === of ? 100 : Math.min(100, scale * (centre + spread)),
    correct,
    of,
  };
}

/**
 * The signal-to-noise ratio of one output of a quantised model over many inputs, in decibels: the variance of each element of the reference around its own mean
 * over the inputs (a constant offset is no signal), summed, over the summed squares of the differences. Nothing is kept but sums.
 */
export class SignalToNoise {
  #count = 0;
  #sums = new Float64Array(0);
  #squares = 0;
  #noise = 0;
  /** Of a single input, its own mean stands for that of many. */
  #own = 0;

  /** Tensors of one shape. */
  add(reference: Tensor, candidate: Tensor): void {
    const a = asFloat64(reference);
    const b = asFloat64(candidate);
    if (this.#count === 0) this.#sums = new Float64Array(a.length);
    this.#count += 1;
    let total = 0;
    for (let i = 0; i < a.length; i++) {
      const x = a[i] ?? 0;
      total += x;
      this.#sums[i] = (this.#sums[i] ?? 0) + x;
      this.#squares += x * x;
      this.#noise += ((b[i] ?? 0) - x) ** 2;
    }
    this.#own = (total * total) / Math.max(1, a.length);
  }

  /** Infinite where nothing differs. */
  get decibels(): number {
    const means = this.#count > 1 ? this.#sums.reduce((s, v) => s + v * v, 0) / this.#count : this.#own;
    const signal = Math.max(0, this.#squares - means);
    if (this.#noise === 0) return Number.POSITIVE_INFINITY;
    return signal === 0 ? Number.NEGATIVE_INFINITY : 10 * Math.log10(signal / this.#noise);
  }
}

/** The best class of each row of scores N,K; undefined for what is no table of scores. */
export function bestClasses(scores: Tensor): readonly number[] | undefined {
  const classes = scores.shape.at(-1) ?? 0;
  if (scores.shape.length !== 2 || classes < 2 || !scores.dtype.startsWith('float')) return undefined;
  const values = asFloat64(scores);
  return Array.from({ length: scores.shape[0] ?? 0 }, (_, n) => {
    let best = 0;
    for (let k = 1; k < classes; k++) if ((values[n * classes + k] ?? 0) > (values[n * classes + best] ?? 0)) best = k;
    return best;
  });
}
