import { io } from './io.js';

/** Terminals are not written to more often. */
const INTERVAL = 100;
const WIDTH = 24;

/** A bar with the rate and the time that is left, on a terminal only. */
export class Progress {
  readonly #start = performance.now();
  #shown = 0;

  constructor(
    readonly what: string,
    readonly of: number,
    /** Done before this process began. */
    readonly before = 0,
  ) {}

  show(done: number): void {
    const now = performance.now();
    if (now - this.#shown < INTERVAL && done < this.of) return;
    this.#shown = now;
    io.progress(progressText(this.what, done, this.of, done - this.before, (now - this.#start) / 1000));
  }

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
}

/** One line: what, a bar, how many, how fast, how long still. */
export function progressText(what: string, done: number, of: number, recent: number, seconds: number): string {
  const filled = of === 0 ? WIDTH : Math.floor((done / of) * WIDTH);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}`;
  const rate = seconds > 0 ? recent / seconds : 0;
  const speed = rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
  const left = rate > 0 ? `, ${durationText((of - done) / rate)} left` : '';
  return `${what} [${bar}] ${done}/${of}, ${speed}/s${left}`;
}

function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
