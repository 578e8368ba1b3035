import { CnnxError } from '../../base/errors.js';
import type { Model } from '../../graph/ir.js';
import type { LoadOptions, Runner, RunLimits, StartRunner } from '../../running/runner.js';
import type { Feeds, Port, Session } from '../../running/session.js';

export interface PoolOptions {
  readonly startRunner: StartRunner;
  readonly load: LoadOptions;
  readonly limits?: RunLimits | undefined;
  /** How many runners, each with one session. */
  readonly workers: number;
  /** Hears of every runner that was lost, and why. */
  readonly onLost?: ((reason: string) => void) | undefined;
}

/** One runner with one session. A runner whose session is lost gets a new one before it works again. */
interface Worker {
  readonly runner: Runner;
  /** Being loaded, or loaded. */
  session: Promise<Session> | undefined;
}

/**
 * Runs one model in several runners. A batch goes to the first that is free; what takes a runner with it is an error for that batch only, and the
 * next batch finds a fresh session.
 */
export class WorkerPool {
  readonly #model: Model;
  readonly #options: PoolOptions;
  readonly #free: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  readonly #all: Worker[] = [];
  #ports: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] } | undefined;
  #closed = false;

  private constructor(model: Model, options: PoolOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Loads the model in every runner. Throws what loading throws. */
  static async start(model: Model, options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(model, options);
    try {
      for (let i = 0; i < options.workers; i++) {
        const worker: Worker = { runner: options.startRunner(options.limits), session: undefined };
        pool.#all.push(worker);
        const session = await pool.#sessionOf(worker);
        pool.#ports ??= { inputs: session.inputs, outputs: session.outputs };
        pool.#free.push(worker);
      }
      return pool;
    } catch (error) {
      pool.close();
      throw error;
    }
  }

  get inputs(): readonly Port[] {
    return this.#ports?.inputs ?? [];
  }

  get outputs(): readonly Port[] {
    return this.#ports?.outputs ?? [];
  }

  /** Runs that work now, whether or not they all have a session. */
  get size(): number {
    return this.#all.length;
  }

  /** Runs a model on feeds, as soon as a runner is free. Throws `runtime/input`, `runtime/run` and `runtime/child`. */
  async run(feeds: Feeds, fetches?: readonly string[]): Promise<Feeds> {
    const worker = await this.#take();
    try {
      const session = await this.#sessionOf(worker);
      return await session.run(feeds, fetches);
    } catch (error) {
      if (error instanceof CnnxError && error.code === 'runtime/child') this.#lost(worker, error.message);
      throw error;
    } finally {
      this.#give(worker);
    }
  }

  /** Ends every runner: what still runs is an error for who waits for it. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#all) worker.runner.close();
  }

  #sessionOf(worker: Worker): Promise<Session> {
    const session = (worker.session ??= worker.runner.load(this.#model, this.#options.load));
    session.catch(() => {
      if (worker.session === session) worker.session = undefined;
    });
    return session;
  }

  #lost(worker: Worker, reason: string): void {
    worker.session = undefined;
    this.#options.onLost?.(reason);
  }

  #take(): Promise<Worker> {
    if (this.#closed) throw new CnnxError('serve/unavailable', 'the model is being unloaded');
    const worker = this.#free.pop();
    return worker ? Promise.resolve(worker) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(worker: Worker): void {
    const next = this.#waiting.shift();
    if (next) next(worker);
    else this.#free.push(worker);
    // A session that is gone is loaded again now, not when the next request waits for it.
    if (!worker.session && !next && !this.#closed) void this.#sessionOf(worker).catch(() => undefined);
  }
}
