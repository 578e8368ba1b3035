import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Model } from '../graph/ir.js';
import { withBoundaryCasts } from '../running/boundary-casts.js';
import { type Sizes, suitableRuns } from '../running/random-inputs.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly, runAll, type Session } from '../running/session.js';
import { stackRows, takeRows } from '../tensor/rows.js';
import type { Tensor } from '../tensor/tensor.js';
import { compareInside, type InnerSamples, type Mixed } from './first-mixed.js';
import { judge } from './judge.js';
import { arrangements, rowsOf } from './samples.js';
import { distance, NO_DISTANCE, worse, type Distance } from './statistics.js';
import { precisionOf } from './tolerance.js';
import { THREADS } from './noise.js';

export interface BatchOptions {
  /** Axes of the inputs that carry the batch, by name. Other inputs are the same for all samples. */
  readonly axes: ReadonlyMap<string, number>;
  /** What the original takes at once: its batch, or 1 where it leaves it open. */
  readonly old: number;
  /** The batches to run the other model with. */
  readonly batches: readonly number[];
  readonly runner: Runner;
  readonly sizes?: Sizes | undefined;
  readonly seed?: number | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

export interface BatchReport {
  /**
   * 'refuted': samples change each other, or it does not run. 'not proven': the original cannot be run, or its outputs
   * say nothing.
   */
  readonly verdict: 'proven' | 'refuted' | 'not proven';
  readonly why?: string | undefined;
  /** Each batch that was run, with the largest RMS-relative difference of an output from samples alone. */
  readonly runs: readonly { readonly batch: number; readonly permuted: boolean; readonly rmsRelative: number }[];
  /** Where samples mix first. */
  readonly first?: Mixed | undefined;
}

/**
 * Whether `changed` computes for each of several unlike samples at once, in any order, what `original` computes for
 * each alone, within verify's tolerance. `original` takes `old` samples at a time: that many copies of one.
 */
export async function proveBatch(original: Model, changed: Model, options: BatchOptions): Promise<BatchReport> {
  try {
    return await new BatchProof(withBoundaryCasts(original).model, withBoundaryCasts(changed).model, options).run();
  } catch (error) {
    if (!isEnvironment(error)) throw error;
    return { verdict: 'not proven', why: error.message, runs: [] };
  }
}

const isEnvironment = (error: unknown): error is CnnxError => error instanceof CnnxError && error.exitCode === 3;

class BatchProof {
  readonly #runs: { batch: number; permuted: boolean; rmsRelative: number }[] = [];
  #samples: readonly Feeds[] = [];
  #expected: readonly Feeds[] = [];
  #floors: ReadonlyMap<string, Distance> = new Map();

  constructor(
    readonly original: Model,
    readonly changed: Model,
    readonly options: BatchOptions,
  ) {}

  async run(): Promise<BatchReport> {
    this.options.onProgress?.('running the samples one by one');
    await this.#runAlone();
    const session = await this.options.runner.load(this.changed, { optimization: 'disabled', threads: THREADS });
    try {
      for (const batch of this.options.batches) {
        const permuted = batch > 1 && batch === Math.max(...this.options.batches);
        for (const rotate of permuted ? [0, 1] : [0]) {
          const found = await this.#runTogether(session, batch, rotate);
          if (found) return found;
        }
      }
    } finally {
      await releaseQuietly(session);
    }
    return this.#outputsAreAlike() ? this.#byInnerValues() : this.#report('proven');
  }

  /** Every sample alone, in as many copies as the original takes. */
  async #runAlone(): Promise<void> {
    const { runner, seed = 0, sizes = {}, batches } = this.options;
    const count = Math.max(2, ...batches);
    const session = await runner.load(this.original, { optimization: 'disabled', threads: THREADS });
    try {
      const drawn = await suitableRuns(session, { sizes, seed, runs: count });
      const usable = Array.from(
        { length: count },
        (_, i) => drawn[i % drawn.length]?.feeds ?? new Map<string, Tensor>(),
      );
      this.#samples = usable.map((feeds) => this.#alone(feeds, usable[0] ?? feeds));
      this.#expected = await runAll(session, this.#samples);
    } finally {
      await releaseQuietly(session);
    }
    this.#floors = await this.#measureFloors();
  }

  /** One sample of drawn inputs, repeated; what carries no batch is that of the first draw. */
  #alone(feeds: Feeds, first: Feeds): Feeds {
    const { axes, old } = this.options;
    return new Map(
      Array.from(feeds, ([name, t]) => {
        const axis = axes.get(name);
        if (axis === undefined) return [name, first.get(name) ?? t];
        return [
          name,
          takeRows(
            t,
            axis,
            Array.from({ length: old }, () => 0),
          ),
        ];
      }),
    );
  }

  async #measureFloors(): Promise<ReadonlyMap<string, Distance>> {
    const floors = new Map<string, Distance>();
    const { runner } = this.options;
    let session: Session | undefined;
    try {
      session = await runner.load(this.original, { optimization: 'all', threads: THREADS });
      for (const [i, feeds] of this.#samples.slice(0, 3).entries()) {
        for (const [name, t] of await session.run(feeds)) {
          const plain = this.#expected[i]?.get(name);
          if (plain?.shape.join() === t.shape.join())
            floors.set(name, worse(floors.get(name) ?? NO_DISTANCE, distance(t, plain)));
        }
      }
    } catch (error) {
      if (!isEnvironment(error)) throw error;
    } finally {
      await releaseQuietly(session);
    }
    return floors;
  }

  /** Whether no output tells one sample from another. */
  #outputsAreAlike(): boolean {
    const [first, ...others] = this.#expected;
    return Array.from(first ?? []).every(([name, t]) =>
      others.every((o) => {
        const other = o.get(name);
        return other?.shape.join() === t.shape.join() && distance(other, t).unequal === 0;
      }),
    );
  }

  /** The samples at once, the order turned by `rotate`; a report where that shows something wrong. */
  async #runTogether(session: Session, batch: number, rotate: number): Promise<BatchReport | undefined> {
    this.options.onProgress?.(`running ${batch} samples together`);
    const order = Array.from({ length: batch }, (_, i) => (i + rotate) % batch);
    const feeds = this.#together(order);
    let outputs: Feeds;
    try {
      outputs = await session.run(feeds);
    } catch (error) {
      if (!(error instanceof CnnxError) || !error.code.startsWith('runtime/')) throw error;
      return this.#report('refuted', `it cannot be run with ${batch} samples: ${error.message}`);
    }
    const expected = order.map((i) => this.#expected[i] ?? new Map<string, Tensor>());
    const precision = precisionOf([this.original, this.changed]);
    let worst = 0;
    for (const [name, actual] of outputs) {
      const alone = expected.flatMap((e) => e.get(name) ?? []);
      const reports = arrangements(alone[0], actual, this.options.old, batch).map((arrangement) => {
        const { own, together } = rowsOf(alone, actual, arrangement, this.options.old);
        return judge(name, own, together, this.#floors.get(name) ?? NO_DISTANCE, precision, {});
      });
      const best = reports.find((r) => r.mismatch === undefined) ?? reports[0];
      worst = Math.max(worst, best?.rmsRelative ?? 0);
      if (best && best.mismatch === undefined) continue;
      if (best?.noise)
        return this.#report(
          'not proven',
          `${printable(name)}: ${best.mismatch}, which the noise of the model explains`,
        );
      const shapes = `${printable(name)} is [${alone[0]?.shape.join(',')}] for ${this.options.old} and [${actual.shape.join(',')}] for ${batch}`;
      const why = best ? `${printable(name)}: ${best.mismatch}` : shapes;
      const inside = await this.#compareInside(feeds, order);
      return this.#report('refuted', `with ${batch} samples at once, ${why}`, inside?.mixed);
    }
    this.#runs.push({ batch, permuted: rotate > 0, rmsRelative: worst });
    return undefined;
  }

  #together(order: readonly number[]): Feeds {
    const { axes } = this.options;
    const [first] = this.#samples;
    return new Map(
      Array.from(first ?? [], ([name, t]) => {
        const axis = axes.get(name);
        if (axis === undefined) return [name, t];
        const rows = order.map((i) => takeRows(this.#samples[i]?.get(name) ?? t, axis, [0]));
        return [name, stackRows(rows, axis)];
      }),
    );
  }

  /** For outputs that are the same for every sample, which would hide what mixes. */
  async #byInnerValues(): Promise<BatchReport> {
    const order = Array.from({ length: Math.max(...this.options.batches) }, (_, i) => i);
    const inside = this.options.batches.every((b) => b === 1)
      ? undefined
      : await this.#compareInside(this.#together(order), order, true);
    if (inside?.mixed) {
      const first = (await this.#compareInside(this.#together(order), order))?.mixed ?? inside.mixed;
      return this.#report('refuted', 'its outputs are the same for unlike inputs, and values inside are not', first);
    }
    return inside?.telling
      ? this.#report('proven')
      : this.#report('not proven', 'its outputs are the same for unlike inputs: they say nothing');
  }

  async #compareInside(together: Feeds, order: readonly number[], nearest = false): Promise<InnerSamples | undefined> {
    this.options.onProgress?.('comparing inside of the model');
    try {
      const alone = order.map((i) => this.#samples[i] ?? together);
      const { original, changed } = this;
      return await compareInside(
        { original, changed },
        alone,
        together,
        this.options.old,
        this.options.runner,
        nearest,
      );
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      return undefined;
    }
  }

  #report(verdict: BatchReport['verdict'], why?: string, first?: Mixed): BatchReport {
    return { verdict, why, runs: this.#runs, first };
  }
}
