import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { datatypeOf } from '../../formats/inference-protocol.js';
import type { Model } from '../../graph/ir.js';
import { castFeeds, withBoundaryCasts } from '../../running/boundary-casts.js';
import { type Feeds, type Port, portText } from '../../running/session.js';
import { Batcher } from './batcher.js';
import { type PoolOptions, WorkerPool } from './worker-pool.js';

export interface ServedOptions extends Omit<PoolOptions, 'load'> {
  readonly load: PoolOptions['load'];
  readonly maxBatch: number;
  readonly maxDelay: number;
  readonly maxQueue: number;
}

/** A model that answers requests: its runners, and the queue in front of them. */
export class ServedModel {
  readonly model: Model;
  readonly #pool: WorkerPool;
  readonly #batcher: Batcher;
  readonly maxBatch: number;

  private constructor(model: Model, pool: WorkerPool, options: ServedOptions) {
    this.model = model;
    this.#pool = pool;
    this.maxBatch = options.maxBatch;
    this.#batcher = new Batcher((feeds) => pool.run(feeds), {
      maxBatch: options.maxBatch,
      maxDelay: options.maxDelay,
      maxQueue: options.maxQueue,
      parallel: pool.size,
    });
  }

  /** Loads a model, ready to answer. Throws what loading throws, and `serve/batch` where batches are asked for and an axis 0 is fixed. */
  static async start(opened: Model, options: ServedOptions): Promise<ServedModel> {
    const { model } = withBoundaryCasts(opened);
    const pool = await WorkerPool.start(model, options);
    try {
      if (options.maxBatch > 1) checkBatch([...pool.inputs, ...pool.outputs]);
      return new ServedModel(opened, pool, options);
    } catch (error) {
      pool.close();
      throw error;
    }
  }

  get inputs(): readonly Port[] {
    return this.#pool.inputs;
  }

  get outputs(): readonly Port[] {
    return this.#pool.outputs;
  }

  /** Requests that wait or run. */
  get pending(): number {
    return this.#batcher.pending;
  }

  /** Answers one request. Throws `serve/request` for inputs that do not fit, `serve/busy`, and what running throws. */
  async infer(feeds: Feeds): Promise<Feeds> {
    this.#check(feeds);
    return this.#batcher.infer(castFeeds(feeds));
  }

  /** Waits until everything is answered, then ends the runners. */
  async close(): Promise<void> {
    await this.#batcher.drained();
    this.#pool.close();
  }

  #check(feeds: Feeds): void {
    const unknown = [...feeds.keys()].find((name) => !this.inputs.some((p) => p.name === name));
    if (unknown !== undefined) throw refused(`the model has no input ${printable(unknown)}`, this.inputs);
    for (const port of this.inputs) {
      const t = feeds.get(port.name);
      if (!t) throw refused(`the input ${printable(port.name)} is missing`, this.inputs);
      const fits =
        (port.shape.length === 0 || port.shape.length === t.shape.length) &&
        port.shape.every((d, i) => typeof d !== 'number' || d < 0 || d === t.shape[i]);
      if (port.dtype !== t.dtype || !fits)
        throw refused(`${portText(port)} is asked for, and ${t.dtype}[${t.shape.join()}] was sent`, this.inputs);
    }
  }
}

const refused = (message: string, inputs: readonly Port[]): CnnxError =>
  new CnnxError('serve/request', message, { hint: `the inputs are ${inputs.map(portText).join(', ')}` });

/** Requests can only be put together where axis 0 is open everywhere. */
function checkBatch(ports: readonly Port[]): void {
  const fixed = ports.find((p) => typeof p.shape[0] !== 'string');
  if (fixed)
    throw new CnnxError('serve/batch', `${portText(fixed)} has no open batch, so requests cannot be put together`, {
      hint: 'cnnx convert MODEL --batch N opens it, where that is proven to work; or serve with --max-batch 1',
    });
}

/** A port as the protocol describes it: open sizes are -1. */
export const portMetadata = ({ name, dtype, shape }: Port): object => ({
  name,
  datatype: (dtype && datatypeOf(dtype)) ?? 'UNKNOWN',
  shape: shape.map((d) => (typeof d === 'number' ? d : -1)),
});
