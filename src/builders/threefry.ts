/*
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a block cipher on a counter, so
 * element i of a tensor is known without the elements before it. The rounds are unrolled: they are where `--init original` spends its time.
 */

const PARITY = 0x1bd11bda;

/** One stream: a key, and the two 32-bit words that it makes of a counter. */
export class Threefry {
  readonly #k0: number;
  readonly #k1: number;
  readonly #k2: number;
  /** The words of the last call of `at`. */
  x0 = 0;
  x1 = 0;

  constructor(key0: number, key1: number) {
    this.#k0 = key0 | 0;
    this.#k1 = key1 | 0;
    this.#k2 = PARITY ^ key0 ^ key1;
  }

  /** Sets `x0` and `x1` to the block of this counter, as signed 32-bit words. */
  at(counter0: number, counter1: number): void {
    // Told here that these are 32-bit words, the engine computes in integers throughout: twice as fast.
    const k0 = this.#k0 | 0;
    const k1 = this.#k1 | 0;
    const k2 = this.#k2 | 0;
    let a = (counter0 + k0) | 0;
    let b = (counter1 + k1) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + k1) | 0;
    b = (b + k2 + 1) | 0;
    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + k2) | 0;
    b = (b + k0 + 2) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + k0) | 0;
    b = (b + k1 + 3) | 0;
    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + k1) | 0;
    b = (b + k2 + 4) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    this.x0 = (a + k2) | 0;
    this.x1 = (b + k0 + 5) | 0;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(counter0: number, counter1: number): number {
    this.at(counter0, counter1);
    return (this.x0 >>> 0) * 2 ** -32 + (this.x1 >>> 11) * 2 ** -53;
  }
}
