import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Model } from '../graph/ir.js';
import { castFeeds, withBoundaryCasts } from '../running/boundary-casts.js';
import { providersText } from '../running/kernels.js';
import { type Sizes, suitableRuns } from '../running/random-inputs.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, type ProviderName, releaseQuietly, runAll, type Session } from '../running/session.js';
import type { DType } from '../tensor/dtype.js';
import { firstDifference } from './bisect.js';
import { evidenceWarnings, randomOperators } from './evidence.js';
import { checkInterfaces } from './interface.js';
import { judge, type Override } from './judge.js';
import type { OutputReport, VerifyReport } from './report.js';
import { distance, type Distance, NO_DISTANCE, worse } from './statistics.js';
import { precisionOf, precisionOfStored } from './tolerance.js';

/** How two models are compared. */
export interface CompareOptions extends Sizes {
  /** How many random inputs; 3 if absent. */
  readonly runs?: number | undefined;
  readonly seed?: number | undefined;
  /** Given inputs instead of random ones: one map for each run. */
  readonly inputs?: readonly Feeds[] | undefined;
  /** An element-wise tolerance instead of the one that calibrates itself: |a - b| <= atol + rtol |b|. */
  readonly rtol?: number | undefined;
  readonly atol?: number | undefined;
  /** What runs the candidate; the reference always runs on the CPU, which is the same everywhere. */
  readonly provider?: ProviderName | undefined;
  readonly deviceId?: number | undefined;
  /** Look for the first difference when outputs differ; true if absent. */
  readonly bisect?: boolean | undefined;
  /** What runs both models. */
  readonly runner: Runner;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** One thread: the same result on every run, whatever the machine. */
export const THREADS = 1;

/**
 * Whether `candidate` computes what `reference` computes. Throws `verify/interface` when they cannot be compared at all; that something cannot
 * be run here is no error but the verdict 'not verified'.
 */
export async function compareModels(
  reference: Model,
  candidate: Model,
  options: CompareOptions,
): Promise<VerifyReport> {
  checkInterfaces(reference, candidate);
  const comparison = new Comparison(reference, candidate, options);
  try {
    return await comparison.run();
  } catch (error) {
    if (!isEnvironment(error)) throw error;
    return comparison.report('not verified', error.message);
  }
}

/** It could not be run, which says nothing about the models. */
const isEnvironment = (error: unknown): error is CnnxError => error instanceof CnnxError && error.exitCode === 3;

class Comparison {
  readonly #warnings: string[] = [];
  #feeds: readonly Feeds[] = [];
  #ran: string | undefined;
  #outputs: readonly OutputReport[] = [];
  /** Of outputs that are compared as another type. */
  #types: ReadonlyMap<string, DType> = new Map();
  #reference: Model;
  #candidate: Model;

  constructor(
    reference: Model,
    candidate: Model,
    readonly options: CompareOptions,
  ) {
    this.#reference = reference;
    this.#candidate = candidate;
  }

  async run(): Promise<VerifyReport> {
    const { model, types, leftOut } = withBoundaryCasts(this.#reference);
    this.#reference = model;
    this.#types = types;
    this.#candidate = withBoundaryCasts(this.#candidate).model;
    this.#warnings.push(...evidenceWarnings(model));
    this.options.onProgress?.('running the reference');
    const first = await this.#load(this.#reference, 'disabled');
    const { seed = 0, runs = 3 } = this.options;
    let expected: readonly Feeds[];
    let repeated: Feeds;
    try {
      const { inputs } = this.options;
      const drawn = inputs ? undefined : await suitableRuns(first, { sizes: this.options, seed, runs });
      this.#feeds = inputs?.map(castFeeds) ?? drawn?.map((r) => r.feeds) ?? [];
      expected = drawn?.map((r) => r.outputs) ?? (await runAll(first, this.#feeds));
      repeated = await first.run(this.#feeds[0] ?? new Map());
    } finally {
      await releaseQuietly(first);
    }
    for (const [name, tensor] of repeated) {
      const before = expected[0]?.get(name);
      if (before && distance(tensor, before).unequal > 0) return this.report('not verified', this.#randomness(name));
    }

    this.options.onProgress?.('measuring the noise floor');
    const floors = await this.#floors(expected);
    this.options.onProgress?.('running the candidate');
    let actual: readonly Feeds[];
    try {
      actual = await this.#runCandidate();
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      return this.report('mismatch', `the first model runs and the second does not: ${error.message}`);
    }
    this.#judge(expected, actual, floors);
    if (this.#outputs.every((o) => o.mismatch === undefined))
      return leftOut.length === 0
        ? this.report('match')
        : this.report(
            'not verified',
            `the other outputs match, but ${leftOut.map((why) => `the output ${why}`).join('; ')}`,
          );
    const wrong = this.#outputs.filter((o) => o.mismatch !== undefined);
    if (wrong.every((o) => o.noise)) return this.report('not verified', noiseText(wrong));
    this.options.onProgress?.('looking for the first difference');
    return this.report('mismatch', undefined, await this.#bisect());
  }

  /** On a GPU, with a profile: what ran is read back, never assumed. */
  async #runCandidate(): Promise<readonly Feeds[]> {
    const { provider, deviceId } = this.options;
    if (provider === undefined || provider === 'cpu')
      return runOnce(await this.#load(this.#candidate, 'disabled'), this.#feeds);
    const options = { optimization: 'disabled', threads: THREADS, provider, deviceId, kernels: true } as const;
    const session = await this.options.runner.load(this.#candidate, options);
    try {
      const outputs = await runAll(session, this.#feeds);
      this.#ran = providersText(await session.release());
      return outputs;
    } catch (error) {
      await releaseQuietly(session);
      throw error;
    }
  }

  report(verdict: VerifyReport['verdict'], why?: string, first?: VerifyReport['first']): VerifyReport {
    const inputs = [...(this.#feeds[0] ?? [])].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape }));
    return {
      verdict,
      why,
      provider: this.options.provider ?? 'cpu',
      ran: this.#ran,
      runs: this.#feeds.length,
      seed: this.options.seed ?? 0,
      inputs,
      outputs: this.#outputs,
      first,
      warnings: this.#warnings,
    };
  }

  async #load(model: Model, optimization: 'disabled' | 'all'): Promise<Session> {
    return this.options.runner.load(model, { optimization, threads: THREADS });
  }

  /** By output: how far the reference is from itself with onnxruntime's optimiser on. */
  async #floors(expected: readonly Feeds[]): Promise<ReadonlyMap<string, Distance>> {
    try {
      const session = await this.#load(this.#reference, 'all');
      const optimized = await runOnce(session, this.#feeds);
      return worstByOutput(optimized, expected);
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      this.#warnings.push(
        `the noise floor is not known: onnxruntime's optimiser fails on the first model (${error.message})`,
      );
      return new Map();
    }
  }

  #judge(expected: readonly Feeds[], actual: readonly Feeds[], floors: ReadonlyMap<string, Distance>): void {
    const precision = precisionOf([this.#reference, this.#candidate]);
    const override: Override = { rtol: this.options.rtol, atol: this.options.atol };
    this.#outputs = [...(expected[0]?.keys() ?? [])].map((name) => {
      const own = this.#types.get(name);
      const report = judge(
        name,
        expected.flatMap((e) => e.get(name) ?? []),
        actual.flatMap((a) => a.get(name) ?? []),
        floors.get(name) ?? NO_DISTANCE,
        precisionOfStored(own) ?? precision,
        override,
      );
      return own ? { ...report, dtype: own } : report;
    });
  }

  async #bisect(): Promise<VerifyReport['first']> {
    const feeds = this.#feeds[0];
    if (this.options.bisect === false || !feeds) return undefined;
    try {
      return await firstDifference(this.#reference, this.#candidate, feeds, this.options.runner);
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      this.#warnings.push(`the first difference is not known: ${error.message}`);
      return undefined;
    }
  }

  #randomness(output: string): string {
    const random = randomOperators(this.#reference);
    return random.length > 0
      ? `random operator ${random.map((r) => printable(r)).join(', ')}`
      : `the first model gives two results for one input, in ${printable(output)}`;
  }
}

function noiseText([worst]: readonly OutputReport[]): string {
  if (!worst) return '';
  const [is, noise, most] = [worst.rmsRelative, worst.floor.rmsRelative, worst.tolerance.rmsRelative].map((x) =>
    x.toExponential(2),
  );
  return `${printable(worst.name)} differs by ${is}, more than the ${most} that its type allows; but the first model differs from itself by ${noise} with onnxruntime's optimiser on`;
}

/** Runs a session that is needed for nothing else. */
async function runOnce(session: Session, inputs: readonly Feeds[]): Promise<readonly Feeds[]> {
  try {
    return await runAll(session, inputs);
  } finally {
    await releaseQuietly(session);
  }
}

function worstByOutput(a: readonly Feeds[], b: readonly Feeds[]): ReadonlyMap<string, Distance> {
  const out = new Map<string, Distance>();
  b.forEach((expected, i) => {
    for (const [name, tensor] of expected) {
      const other = a[i]?.get(name);
      if (other && other.shape.join() === tensor.shape.join())
        out.set(name, worse(out.get(name) ?? NO_DISTANCE, distance(other, tensor)));
    }
  });
  return out;
}
