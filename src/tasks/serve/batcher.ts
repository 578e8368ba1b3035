import { CnnxError } from '../../base/errors.js';
import type { Feeds } from '../../running/session.js';
import { joinRows, splitRows } from './rows.js';

export interface BatchOptions {
  /** Rows of axis 0 in one run; 1 puts no requests together. */
  readonly maxBatch: number;
  /** How long a request waits for others, in milliseconds. */
  readonly maxDelay: number;
  /** Requests that wait or run; more are refused. */
  readonly maxQueue: number;
  /** Runs at once: no more than there are runners. */
  readonly parallel: number;
}

interface Waiting {
  readonly feeds: Feeds;
  readonly rows: number;
  readonly key: string;
  readonly resolve: (outputs: Feeds) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts requests together that have the same inputs but for the size of axis 0, and takes the answers apart. The order of requests stays, as far as
 * their inputs fit together. A batch that fails is tried again one by one where the failure may be one request's own.
 */
export class Batcher {
  readonly #options: BatchOptions;
  readonly #run: (feeds: Feeds) => Promise<Feeds>;
  readonly #queue: Waiting[] = [];
  #running = 0;
  #inFlight = 0;
  #delayed = false;
  readonly #idle: (() => void)[] = [];

  constructor(run: (feeds: Feeds) => Promise<Feeds>, options: BatchOptions) {
    this.#run = run;
    this.#options = options;
  }

  /** Requests that wait or run. */
  get pending(): number {
    return this.#inFlight;
  }

  /** The outputs for one request. Throws `serve/busy` when too many wait already, and what running throws. */
  async infer(feeds: Feeds): Promise<Feeds> {
    if (this.#inFlight >= this.#options.maxQueue)
      throw new CnnxError('serve/busy', `${this.#inFlight} requests wait already`, { hint: 'try again in a second' });
    this.#inFlight += 1;
    try {
      return await new Promise<Feeds>((resolve, reject) => {
        const { rows, key } = rowsOf(feeds);
        this.#queue.push({ feeds, rows, key, resolve, reject });
        this.#schedule();
      });
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) for (const done of this.#idle.splice(0)) done();
    }
  }

  /** When everything that was asked for is answered. */
  async drained(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#running >= this.#options.parallel || this.#queue.length === 0) return;
    const { maxBatch, maxDelay } = this.#options;
    const [first] = this.#queue;
    const rows = this.#queue.reduce((n, w) => (w.key === first?.key ? n + w.rows : n), 0);
    if (maxBatch === 1 || maxDelay === 0 || rows >= maxBatch) {
      this.#dispatch();
      return;
    }
    if (this.#delayed) return;
    this.#delayed = true;
    setTimeout(() => {
      this.#delayed = false;
      this.#dispatch();
    }, maxDelay);
  }

  #dispatch(): void {
    if (this.#running >= this.#options.parallel) return;
    const batch = this.#next();
    if (batch.length === 0) return;
    this.#running += 1;
    void this.#answer(batch).finally(() => {
      this.#running -= 1;
      this.#schedule();
    });
    this.#schedule();
  }

  /** The oldest request, and those behind it that fit to it and into one batch. */
  #next(): Waiting[] {
    const first = this.#queue.shift();
    if (!first) return [];
    const batch = [first];
    let { rows } = first;
    for (let i = 0; i < this.#queue.length && rows < this.#options.maxBatch; ) {
      const other = this.#queue[i];
      if (!other || other.key !== first.key || rows + other.rows > this.#options.maxBatch) {
        i += 1;
        continue;
      }
      batch.push(other);
      rows += other.rows;
      this.#queue.splice(i, 1);
    }
    return batch;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    const [only, ...others] = batch;
    if (!only) return;
    if (others.length === 0) {
      await this.#run(only.feeds).then(only.resolve, only.reject);
      return;
    }
    try {
      const outputs = await this.#run(joinRows(batch.map((w) => w.feeds)));
      const parts = splitRows(
        outputs,
        batch.map((w) => w.rows),
      );
      batch.forEach((w, i) => w.resolve(parts[i] ?? new Map()));
    } catch (error) {
      // One bad request must not fail its neighbours; a runner that died would die again.
      if (error instanceof CnnxError && error.code === 'runtime/child') for (const w of batch) w.reject(error);
      else for (const w of batch) await this.#run(w.feeds).then(w.resolve, w.reject);
    }
  }
}

/** How many rows a request has, and what has to be equal in another one to go with it. Rows of unlike numbers go alone. */
function rowsOf(feeds: Feeds): { readonly rows: number; readonly key: string } {
  const counts = new Set(Array.from(feeds.values(), (t) => t.shape[0] ?? 0));
  const [rows = 1] = counts;
  const shapes = Array.from(feeds, ([name, t]) => [name, t.dtype, t.shape.slice(1)]);
  const alone = counts.size !== 1 || rows === 0 || [...feeds.values()].some((t) => t.strings !== undefined);
  return { rows: Math.max(1, rows), key: alone ? `alone ${unique()}` : JSON.stringify(shapes) };
}

let last = 0;
const unique = (): number => (last += 1);
