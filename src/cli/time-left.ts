/** How much of a long work is done, and how long the rest may take at the rate so far. */
export class TimeLeft {
  readonly #start = performance.now();

  constructor(readonly total: number) {}

  /** `12 of 200, 4.2 a second, 45 s left`. */
  text(done: number): string {
    if (done === 0) return `0 of ${this.total}`;
    const seconds = (performance.now() - this.#start) / 1000;
    const rate = done / seconds;
    const left = Math.round((this.total - done) / rate);
    const each = rate >= 1 ? `${rate.toFixed(1)} a second` : `${(1 / rate).toFixed(1)} s each`;
    return `${done} of ${this.total}, ${each}, ${left < 120 ? `${left} s` : `${Math.round(left / 60)} min`} left`;
  }
}
