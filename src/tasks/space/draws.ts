import { hashName, streamAt } from '../../tensor/seeded.js';

/** Numbers from one seed, the same everywhere: each call gives the next. */
export class Draws {
  readonly #start: number;
  #count = 0;

  constructor(seed: number, purpose: string) {
    this.#start = (hashName(purpose) ^ Math.imul(seed + 1, 0x9e3779b9)) >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#count += 1;
    return (streamAt(this.#start, this.#count) + 1) / 2;
  }

  /** One of these, each as likely as the others. */
  of<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.next() * choices.length)];
    if (chosen === undefined) throw new Error('bug: drawn from an empty list');
    return chosen;
  }

  /** A whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /**
   * Log-uniform multiples of `step` from `low` to `high`: a logarithm is drawn between those of low - min(step, low / 2) and high, and rounded
   * up, so that `low` is as likely as its share. Facts: pycls, sweep/random.py.
   */
  logUniform(low: number, high: number, step: number): number {
    const [a, b] = [Math.log(low - Math.min(step, low / 2)), Math.log(high)];
    const steps = Math.ceil(Math.exp(b - this.next() * (b - a)) / step - 1e-9);
    return Math.min(high, Math.max(low, rounded(steps * step)));
  }
}

/** Decimal steps without the digits that binary fractions add: 24.400000000000002 is 24.4. */
const rounded = (x: number): number => Number(x.toFixed(6));
