import type { Model } from '../graph/ir.js';
import type { Dataset } from '../running/dataset.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly } from '../running/session.js';
import { bestClasses, type Share, SignalToNoise, wilson } from './signal.js';

export interface Measured {
  /** By output, in decibels. */
  readonly sqnr: ReadonlyMap<string, number>;
  /** Of the best class of both models; absent where no output is a table of scores. */
  readonly agreement?: Share | undefined;
  /** Against the labels, where the data have some. */
  readonly top1?: { readonly float: Share; readonly int8: Share } | undefined;
}

/** Outputs of the float model are kept up to this size, for many candidates are held against them; larger ones are computed each time. */
const KEPT_BYTES = 64 * 2 ** 20;

/** A float model's outputs on some data, against which quantised forms of it are measured. */
export class Yardstick {
  readonly #kept: Feeds[] = [];
  #bytes = 0;

  constructor(
    readonly float: Model,
    readonly data: Dataset,
    readonly runner: Runner,
  ) {}

  /** Runs a quantised model on the data, as users do, and compares outputs. */
  async measure(int8: Model, onProgress: (done: number) => void = () => {}): Promise<Measured> {
    // One thread: more would differ in nothing but noise of scheduling for models as small as one image.
    const reference =
      this.#kept.length === this.data.count ? undefined : await this.runner.load(this.float, { threads: 1 });
    const candidate = await this.runner.load(int8, { threads: 1 });
    const tally = new Tally();
    try {
      for (let i = 0; i < this.data.count; i++) {
        const { feeds, label } = await this.data.item(i);
        const expected = this.#kept[i] ?? (await reference?.run(feeds)) ?? new Map();
        this.#keep(i, expected);
        tally.add(expected, await candidate.run(feeds), label);
        onProgress(i + 1);
      }
    } finally {
      await releaseQuietly(reference);
      await releaseQuietly(candidate);
      this.runner.forget(int8);
    }
    return tally.result();
  }

  /** The same model on other data. */
  on = (data: Dataset): Yardstick => new Yardstick(this.float, data, this.runner);

  #keep(index: number, outputs: Feeds): void {
    if (index !== this.#kept.length) return;
    for (const t of outputs.values()) this.#bytes += t.byteLength;
    if (this.#bytes <= KEPT_BYTES) this.#kept.push(outputs);
  }
}

class Tally {
  readonly #signals = new Map<string, SignalToNoise>();
  #agreed = 0;
  #compared = 0;
  #right = 0;
  #rightInt8 = 0;
  #labelled = 0;

  add(expected: Feeds, actual: Feeds, label: number | undefined): void {
    let classes: readonly [number, number] | undefined;
    for (const [name, t] of expected) {
      const other = actual.get(name);
      if (!other || !t.dtype.startsWith('float') || other.shape.join() !== t.shape.join()) continue;
      const signal = this.#signals.get(name) ?? new SignalToNoise();
      this.#signals.set(name, signal);
      signal.add(t, other);
      const [a, b] = [bestClasses(t)?.[0], bestClasses(other)?.[0]];
      if (a !== undefined && b !== undefined) classes ??= [a, b];
    }
    if (!classes) return;
    const [a, b] = classes;
    this.#compared += 1;
    if (a === b) this.#agreed += 1;
    if (label === undefined) return;
    this.#labelled += 1;
    if (a === label) this.#right += 1;
    if (b === label) this.#rightInt8 += 1;
  }

  result(): Measured {
    return {
      sqnr: new Map(Array.from(this.#signals, ([name, s]) => [name, s.decibels])),
      agreement: this.#compared > 0 ? wilson(this.#agreed, this.#compared) : undefined,
      top1:
        this.#labelled > 0
          ? { float: wilson(this.#right, this.#labelled), int8: wilson(this.#rightInt8, this.#labelled) }
          : undefined,
    };
  }
}

/** The worst of several outputs: what bounds and choices go by. */
export const worstOf = (sqnr: ReadonlyMap<string, number>): number =>
  [...sqnr.values()].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
