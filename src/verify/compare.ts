import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { inferShapes } from '../graph/infer.js';
import type { Model } from '../graph/ir.js';
import { registry } from '../ops/index.js';
import { castFeeds, withBoundaryCasts } from '../running/boundary-casts.js';
import { providersText } from '../running/kernels.js';
import { checkSizes } from '../running/plans.js';
import { type Sizes, suitableRuns } from '../running/random-inputs.js';
import { shapeRoles } from '../running/shape-roles.js';
import { portsOf } from '../running/required-inputs.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, type ProviderName, releaseQuietly, runAll, type Session } from '../running/session.js';
import type { DType } from '../tensor/dtype.js';
import { isFloat } from '../tensor/tensor.js';
import { firstDifference } from './bisect.js';
import { type Below, takeBelow, withBelow } from './below.js';
import { evidenceWarnings, randomOperators, silentOutputs } from './evidence.js';
import { agreeInside } from './inside.js';
import { alignNames, checkInterfaces } from './interface.js';
import { lastBitNoise, type Noisy, optimiserNoise, runOnce, THREADS } from './noise.js';
import { judge, type Override } from './judge.js';
import type { OutputReport, VerifyReport } from './report.js';
import { distance, type Distance, NO_DISTANCE, smaller } from './statistics.js';
import { precisionOf, precisionOfStored } from './tolerance.js';

/** How two models are compared. */
export interface CompareOptions extends Sizes {
  /** How many random inputs; 3 if absent. */
  readonly runs?: number | undefined;
  readonly seed?: number | undefined;
  /** Given inputs instead of random ones: one map for each run. */
  readonly inputs?: readonly Feeds[] | undefined;
  /** Names of inputs and outputs of the candidate, by those of the reference that they stand for. */
  readonly map?: ReadonlyMap<string, string> | undefined;
  /** An element-wise tolerance instead of the one that calibrates itself: |candidate - reference| <= atol + rtol |reference|. */
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

/**
 * Whether `candidate` computes what `reference` computes. Throws `verify/interface` when they cannot be compared at
 * all; that something cannot be run here is no error but the verdict 'not verified'.
 */
export async function compareModels(
  reference: Model,
  candidate: Model,
  options: CompareOptions,
): Promise<VerifyReport> {
  checkSizes(portsOf(reference), options);
  const aligned = alignNames(reference, candidate, options.map);
  checkInterfaces(reference, aligned.candidate);
  const comparison = new Comparison(reference, aligned.candidate, options, aligned.notes);
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
  readonly #warnings: string[];
  #feeds: readonly Feeds[] = [];
  #ran: string | undefined;
  #outputs: readonly OutputReport[] = [];
  /** Of outputs that are compared as another type. */
  #types: ReadonlyMap<string, DType> = new Map();
  #names: ReadonlySet<string> = new Set();
  #below: ReadonlyMap<string, Below> = new Map();
  #reference: Model;
  #candidate: Model;

  constructor(
    reference: Model,
    candidate: Model,
    readonly options: CompareOptions,
    notes: readonly string[] = [],
  ) {
    this.#warnings = [...notes];
    this.#reference = reference;
    this.#candidate = candidate;
  }

  async run(): Promise<VerifyReport> {
    const leftOut = this.#prepare();
    const { expected, repeated } = await this.#runReference();
    for (const [name, tensor] of repeated) {
      const before = expected[0]?.get(name);
      if (before && distance(tensor, before).unequal > 0) return this.report('not verified', this.#randomness(name));
    }

    this.options.onProgress?.('measuring the noise floor');
    const floors = (await this.#floors(expected)) ?? (await this.#sensitivity(expected));
    this.options.onProgress?.('running the candidate');
    let actual: readonly Feeds[];
    try {
      actual = await this.#runCandidate();
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      return this.report('mismatch', `the first model runs and the second does not: ${error.message}`);
    }
    this.#judge(expected, actual, floors);
    if (this.#outputs.some((o) => o.leans && (o.mismatch === undefined || o.noise))) {
      // The optimiser may change more than the last digits: then what it changes is no noise.
      const sensitivity = await this.#sensitivity(expected);
      this.#judge(
        expected,
        actual,
        new Map(Array.from(floors, ([name, f]) => [name, smaller(f, sensitivity.get(name) ?? NO_DISTANCE)])),
      );
    }
    return this.#verdict(expected, actual, leftOut);
  }

  async #verdict(
    expected: readonly Feeds[],
    actual: readonly Feeds[],
    leftOut: readonly string[],
  ): Promise<VerifyReport> {
    const wrong = this.#outputs.filter((o) => o.mismatch !== undefined);
    if (wrong.length === 0) return this.#evidence(expected, leftOut);
    if (wrong.every((o) => o.noise)) return this.report('not verified', noiseText(wrong));
    this.options.onProgress?.('looking for the first difference');
    return this.report('mismatch', undefined, await this.#bisect(expected, actual));
  }

  /** Nothing differs: whether that says anything. */
  async #evidence(expected: readonly Feeds[], leftOut: readonly string[]): Promise<VerifyReport> {
    if (leftOut.length > 0)
      return this.report(
        'not verified',
        `the other outputs match, but ${leftOut.map((why) => `the output ${why}`).join('; ')}`,
      );
    const silent = silentOutputs(this.#reference, expected);
    if (silent.size < this.#outputs.length || silent.size === 0) {
      for (const why of silent.values()) this.#warnings.push(`the output ${why}: it says nothing`);
      return this.report('match');
    }
    const [why = ''] = silent.values();
    const inside = await this.#inside();
    if (inside !== 'agree')
      return this.report('not verified', `the outputs say nothing: ${why}; give inputs that matter with --inputs`);
    this.#warnings.push(`the outputs say nothing (${why}): values before them were compared, and agree`);
    return this.report('match');
  }

  async #inside(): Promise<'agree' | 'differ' | 'silent'> {
    try {
      return await agreeInside(this.#reference, this.#candidate, this.#feeds, this.options.runner);
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      return 'silent';
    }
  }

  /** Copies that can be run and compared; gives the outputs that cannot. */
  #prepare(): readonly string[] {
    const { model, types, leftOut } = withBoundaryCasts(this.#reference);
    this.#types = types;
    this.#names = new Set(model.graph.outputs.map((v) => v.name));
    this.#warnings.push(...evidenceWarnings(model));
    inferShapes(model, registry);
    const candidate = withBoundaryCasts(this.#candidate).model;
    const manual = this.options.rtol !== undefined || this.options.atol !== undefined;
    const found = manual ? { reference: model, candidate, below: this.#below } : withBelow(model, candidate);
    this.#reference = found.reference;
    this.#candidate = found.candidate;
    this.#below = found.below;
    return leftOut;
  }

  async #runReference(): Promise<{ readonly expected: readonly Feeds[]; readonly repeated: Feeds }> {
    this.options.onProgress?.('running the reference');
    const session = await this.#load(this.#reference, 'disabled');
    const { seed = 0, runs = 3, inputs } = this.options;
    try {
      const drawn = inputs
        ? undefined
        : await suitableRuns(session, { sizes: this.options, seed, runs, roles: shapeRoles(this.#reference) });
      this.#feeds = inputs?.map(castFeeds) ?? drawn?.map((r) => r.feeds) ?? [];
      const outputs = drawn?.map((r) => r.outputs) ?? (await runAll(session, this.#feeds));
      const repeated = await session.run(this.#feeds[0] ?? new Map());
      return {
        expected: outputs.map((o) => this.#shown(o, 'reference')),
        repeated: this.#shown(repeated, 'reference'),
      };
    } finally {
      await releaseQuietly(session);
    }
  }

  #shown(outputs: Feeds, side: 'reference' | 'candidate'): Feeds {
    return takeBelow(outputs, this.#below, side, this.#names);
  }

  /** On a GPU, with a profile: what ran is read back, never assumed. */
  async #runCandidate(): Promise<readonly Feeds[]> {
    const { provider, deviceId } = this.options;
    if (provider === undefined || provider === 'cpu')
      return this.#shownAll(await runOnce(await this.#load(this.#candidate, 'disabled'), this.#feeds));
    const options = { optimization: 'disabled', threads: THREADS, provider, deviceId, kernels: true } as const;
    const session = await this.options.runner.load(this.#candidate, options);
    try {
      const outputs = await runAll(session, this.#feeds);
      this.#ran = providersText(await session.release());
      return this.#shownAll(outputs);
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

  #shownAll(runs: readonly Feeds[]): readonly Feeds[] {
    return runs.map((o) => this.#shown(o, 'candidate'));
  }

  async #floors(expected: readonly Feeds[]): Promise<ReadonlyMap<string, Distance> | undefined> {
    try {
      return await optimiserNoise(this.#noiseOf(expected));
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      this.#warnings.push(
        `onnxruntime's optimiser fails on the first model (${error.message}): its noise is what turning last bits changes`,
      );
      return undefined;
    }
  }

  #sensitivity(expected: readonly Feeds[]): Promise<ReadonlyMap<string, Distance>> {
    this.options.onProgress?.('turning last bits of the reference');
    return lastBitNoise(this.#noiseOf(expected));
  }

  #noiseOf(expected: readonly Feeds[]): Noisy {
    const { runner } = this.options;
    return { model: this.#reference, inputs: this.#feeds, expected, runner, shown: (o) => this.#shown(o, 'reference') };
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
      const below = this.#below.get(name)?.op;
      return { ...report, ...(own && { dtype: own }), ...(below && { below }) };
    });
  }

  /** On the input on which the outputs that differ are furthest apart. */
  async #bisect(expected: readonly Feeds[], actual: readonly Feeds[]): Promise<VerifyReport['first']> {
    if (this.options.bisect === false) return undefined;
    const run = this.#worstRun(expected, actual);
    const feeds = this.#feeds[run];
    if (!feeds) return undefined;
    try {
      const first = await firstDifference(this.#reference, this.#candidate, feeds, this.options.runner);
      if (first) return { ...first, run: run + 1 };
      this.#warnings.push(
        `no first difference was found on input ${run + 1}: no value that both models name is further apart than its noise`,
      );
    } catch (error) {
      if (!isEnvironment(error)) throw error;
      this.#warnings.push(`the first difference is not known: ${error.message}`);
    }
    return undefined;
  }

  #worstRun(expected: readonly Feeds[], actual: readonly Feeds[]): number {
    const wrong = this.#outputs.filter((o) => o.mismatch !== undefined && !o.noise);
    const far = expected.map((e, i) =>
      wrong.reduce((most, o) => {
        const [b, a] = [e.get(o.name), actual[i]?.get(o.name)];
        if (!a || !b || a.shape.join() !== b.shape.join() || a.dtype !== b.dtype) return Infinity;
        const d = distance(a, b);
        return Math.max(most, d.misplaced > 0 ? Infinity : isFloat(b.dtype) ? d.rmsRelative : d.unequal / d.count);
      }, 0),
    );
    return far.indexOf(Math.max(...far));
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
  return `${printable(worst.name)} differs by ${is}, more than the ${most} that its type allows; but the first model moves by ${noise} itself when last bits of its weights and inputs turn`;
}
