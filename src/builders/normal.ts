import type { Threefry } from './threefry.js';

/*
 * Normal numbers by the ziggurat (Marsaglia and Tsang, "The ziggurat method for generating random variables", Journal of Statistical Software 5(8), 2000):
 * the area below exp(-x^2 / 2) in 255 strips and a tail, all of equal areas. A number takes one random block and one comparison in 99 cases of 100, and has
 * its distribution exactly, since the rest is decided by the density itself. Strip and place come from different bits (Doornik, "An improved ziggurat method to
 * generate normal random samples", 2005).
 */

const STRIPS = 256;

/** Where the tail begins for 256 strips, and the area of each: R exp(-R^2 / 2) and the tail beyond R (Marsaglia and Tsang). */
const TAIL = 3.6541528853610088;
const AREA = 0.00492867323399;

const density = (x: number): number => Math.exp(-0.5 * x * x);

/** The right end of each strip, from the lowest, whose width is that of a box as large as the strip and the tail; 0 above the highest. */
function stripEnds(): Float64Array {
  const ends = new Float64Array(STRIPS + 1);
  ends[0] = AREA / density(TAIL);
  ends[1] = TAIL;
  for (let i = 2; i < STRIPS; i++) {
    const below = ends[i - 1] ?? 0;
    ends[i] = Math.sqrt(-2 * Math.log(AREA / below + density(below)));
  }
  return ends;
}

/** A number takes several blocks now and then: their counters are so far apart, and the trials of one index in between. */
const STEP = 2 ** 16;

/** Numbers of the standard normal distribution, each a function of its index. */
export class Normal {
  readonly #stream: Threefry;
  readonly #ends = stripEnds();
  /** Up to this part of a strip's width, all of its height lies below the density. */
  readonly #inside = this.#ends.map((end, i) => (this.#ends[i + 1] ?? 0) / end);

  constructor(stream: Threefry) {
    this.#stream = stream;
  }

  /** The number of an index; for those who reject it, another one for each `trial`. */
  at(index: number, trial = 0): number {
    this.#stream.at(index, trial);
    const { x0, x1 } = this.#stream;
    const strip = x1 & (STRIPS - 1);
    // In (-1, 1), from the 56 other bits.
    const place = x0 * 2 ** -31 + (x1 >>> 8) * 2 ** -55 + 2 ** -56;
    if (Math.abs(place) < (this.#inside[strip] ?? 0)) return place * (this.#ends[strip] ?? 0);
    return this.#outside(strip, place, index, trial);
  }

  /** Where a strip sticks out from below the density, that decides; beyond the strips lies the tail. */
  #outside(strip: number, place: number, index: number, trial: number): number {
    if (strip === 0) return Math.sign(place) * this.#tail(index, trial);
    const x = place * (this.#ends[strip] ?? 0);
    const low = density(this.#ends[strip] ?? 0);
    const high = density(this.#ends[strip + 1] ?? 0);
    const height = low + this.#stream.uniform(index, trial + STEP) * (high - low);
    return height < density(x) ? x : this.at(index, trial + 2 * STEP);
  }

  /** Marsaglia, "Generating a variable from the tail of the normal distribution", Technometrics 6, 1964. */
  #tail(index: number, trial: number): number {
    for (let counter = trial + STEP; ; counter += 2 * STEP) {
      const x = -Math.log(1 - this.#stream.uniform(index, counter)) / TAIL;
      const y = -Math.log(1 - this.#stream.uniform(index, counter + STEP));
      if (2 * y >= x * x) return TAIL + x;
    }
  }
}
