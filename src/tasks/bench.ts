import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { isTensorType } from '../graph/types.js';
import type { Model } from '../graph/ir.js';
import { withBoundaryCasts } from '../running/boundary-casts.js';
import type { KernelRun } from '../running/kernels.js';
import { type Sizes, suitableRuns } from '../running/random-inputs.js';
import { PATIENT, type StartRunner } from '../running/runner.js';
import type { Feeds, Optimization, ProviderName, SessionOptions } from '../running/session.js';

/** How models are timed. */
export interface BenchOptions extends Sizes {
  /** Starts what runs the models: each alone first, then all together. */
  readonly startRunner: StartRunner;
  /** Timed runs of each model; 50 if absent. */
  readonly runs?: number | undefined;
  /** Runs before that, whose times are dropped; 5 if absent. */
  readonly warmup?: number | undefined;
  readonly threads?: number | undefined;
  readonly provider?: ProviderName | undefined;
  readonly deviceId?: number | undefined;
  readonly optimization?: Optimization | undefined;
  readonly seed?: number | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** A ratio to the first model: the median over pairs of neighbouring runs, and where it lies with 95 % confidence. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One model. Times in milliseconds. */
export interface BenchResult {
  readonly name: string;
  /** Loading and optimising. */
  readonly create: number;
  /** The first run, which may compile shaders or allocate. */
  readonly first: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  /** Inputs (the first dimension of the first one) per second, at the median. */
  readonly throughput: number;
  /** Largest resident size of a process that loads and runs only this model, in bytes. */
  readonly peakMemory: number;
  /** Absent for the first model. */
  readonly ratio?: Ratio | undefined;
}

/** A size that the model leaves open and the caller did not give. */
export interface ChosenSize {
  readonly input: string;
  readonly axis: number;
  /** Undefined where it has none. */
  readonly name: string | undefined;
  readonly size: number;
}

/** How long models took, side by side. */
export interface BenchReport {
  readonly provider: ProviderName;
  readonly threads: number | undefined;
  readonly runs: number;
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[];
  /** Sizes of the inputs that were chosen here: a time says nothing without them. */
  readonly chosen: readonly ChosenSize[];
  readonly models: readonly BenchResult[];
}

/** A model to be timed, and what it is called in the report. */
export interface BenchEntry {
  readonly name: string;
  readonly model: Model;
}

const RUNS = 50;
const WARMUP = 5;

/**
 * Times models side by side: each alone for its memory and loading time, then all in one process, run in turns so that whatever else the
 * machine does falls on all of them alike. Throws `bench/inputs` for models whose inputs are unlike, and what running them throws.
 */
export async function benchModels(given: readonly BenchEntry[], options: BenchOptions): Promise<BenchReport> {
  const entries = given.map(({ name, model }) => ({ name, model: withBoundaryCasts(model).model }));
  const alone: Alone[] = [];
  for (const entry of entries) {
    options.onProgress?.(`loading ${entry.name}`);
    alone.push(await runAlone(entry.model, options));
  }
  alone.forEach(({ feeds }, i) => checkAlike(entries, alone[0]?.feeds, feeds, i));
  const times = await runInTurns(entries, alone, options);
  const [feeds] = alone.map((a) => a.feeds);
  const batch = [...(feeds?.values() ?? [])][0]?.shape[0] ?? 1;
  return {
    provider: options.provider ?? 'cpu',
    threads: options.threads,
    runs: options.runs ?? RUNS,
    inputs: [...(feeds ?? [])].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape })),
    chosen: entries[0] === undefined ? [] : chosenSizes(entries[0].model, feeds ?? new Map(), options),
    models: entries.map(({ name }, i) => result(name, alone[i], times[i] ?? [], i === 0 ? undefined : times[0], batch)),
  };
}

/** A ratio is between models that do the same work: inputs of the same types and shapes, whatever their names. */
function checkAlike(entries: readonly BenchEntry[], first: Feeds | undefined, other: Feeds, i: number): void {
  const text = (feeds: Feeds | undefined): string =>
    [...(feeds?.values() ?? [])].map((t) => `${t.dtype}[${t.shape.join(',')}]`).join(', ');
  if (text(first) === text(other)) return;
  const [a, b] = [entries[0]?.name ?? '', entries[i]?.name ?? ''].map((name) => printable(name));
  throw new CnnxError(
    'bench/inputs',
    `${a} takes ${text(first)} and ${b} takes ${text(other)}: no ratio compares them`,
    {
      hint: 'give the same sizes with --shape or --dim, or time them one by one',
    },
  );
}

function chosenSizes(model: Model, feeds: Feeds, { shapes, dims }: Sizes): readonly ChosenSize[] {
  return model.graph.inputs.flatMap(({ name: input, type }) => {
    const given = feeds.get(input)?.shape;
    if (!given || shapes?.has(input) || !isTensorType(type)) return [];
    return (type.shape ?? given.map(() => undefined)).flatMap((d, axis) => {
      if (typeof d === 'number' || (typeof d === 'string' && dims?.has(d))) return [];
      return [{ input, axis, name: typeof d === 'string' ? d : undefined, size: given[axis] ?? 0 }];
    });
  });
}

interface Alone {
  readonly create: number;
  readonly first: number;
  readonly peakMemory: number;
  readonly feeds: Feeds;
}

const sessionOptions = (o: BenchOptions): SessionOptions => ({
  provider: o.provider,
  deviceId: o.deviceId,
  threads: o.threads,
  optimization: o.optimization ?? 'all',
});

async function runAlone(model: Model, options: BenchOptions): Promise<Alone> {
  const runner = options.startRunner(PATIENT);
  try {
    // A process takes its time to start; that is not the model's.
    await runner.peakMemory();
    const start = performance.now();
    const session = await runner.load(model, sessionOptions(options));
    const create = performance.now() - start;
    const [run] = await suitableRuns(session, { sizes: options, seed: options.seed ?? 0, runs: 1 });
    const feeds: Feeds = run?.feeds ?? new Map();
    await session.release();
    const again = await runner.load(model, sessionOptions(options));
    const [first = Number.NaN] = await again.time(feeds, 1);
    const peakMemory = await runner.peakMemory();
    return { create, first, peakMemory, feeds };
  } finally {
    runner.close();
  }
}

async function runInTurns(
  entries: readonly BenchEntry[],
  alone: readonly Alone[],
  options: BenchOptions,
): Promise<readonly (readonly number[])[]> {
  const runner = options.startRunner(PATIENT);
  try {
    const sessions = [];
    for (const [i, { model }] of entries.entries()) {
      const session = await runner.load(model, sessionOptions(options));
      await session.time(alone[i]?.feeds, options.warmup ?? WARMUP);
      sessions.push({ session, times: new Array<number>() });
    }
    const runs = options.runs ?? RUNS;
    for (let run = 0; run < runs; run++) {
      options.onProgress?.(`run ${run + 1} of ${runs}`);
      // Turn and turn about: nobody always comes after the same neighbour.
      const order = run % 2 === 0 ? sessions : sessions.toReversed();
      for (const { session, times } of order) times.push(...(await session.time(undefined, 1)));
    }
    return sessions.map((s) => s.times);
  } finally {
    runner.close();
  }
}

function result(
  name: string,
  alone: Alone | undefined,
  times: readonly number[],
  base: readonly number[] | undefined,
  batch: number,
): BenchResult {
  const median = quantile(times, 0.5);
  return {
    name,
    create: alone?.create ?? Number.NaN,
    first: alone?.first ?? Number.NaN,
    median,
    p90: quantile(times, 0.9),
    p99: quantile(times, 0.99),
    throughput: (1000 * batch) / median,
    peakMemory: alone?.peakMemory ?? Number.NaN,
    ratio: base && pairedRatio(times, base),
  };
}

/** Linear between the two nearest ranks. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Runs next to each other share what else the machine was doing, so their ratios vary less than their times. The interval is that of the median
 * by order statistics: ranks n/2 -+ 1.96 sqrt(n)/2, which assumes nothing about how the ratios are distributed.
 */
export function pairedRatio(times: readonly number[], base: readonly number[]): Ratio {
  const ratios = times.map((t, i) => t / (base[i] ?? Number.NaN)).sort((a, b) => a - b);
  const n = ratios.length;
  const spread = (1.96 * Math.sqrt(n)) / 2;
  const low = ratios[Math.max(0, Math.floor(n / 2 - spread))] ?? Number.NaN;
  const high = ratios[Math.min(n - 1, Math.ceil(n / 2 + spread))] ?? Number.NaN;
  return { median: quantile(ratios, 0.5), low, high };
}

/** What ran, kernel by kernel, over the runs and one before them. */
export async function profileModel(given: Model, options: BenchOptions): Promise<readonly KernelRun[]> {
  const { model } = withBoundaryCasts(given);
  const runner = options.startRunner(PATIENT);
  try {
    const plain = await runner.load(model, sessionOptions(options));
    const [run] = await suitableRuns(plain, { sizes: options, seed: options.seed ?? 0, runs: 1 });
    const feeds: Feeds = run?.feeds ?? new Map();
    await plain.release();
    const session = await runner.load(model, { ...sessionOptions(options), kernels: true });
    await session.time(feeds, 1 + (options.runs ?? RUNS));
    return await session.release();
  } finally {
    runner.close();
  }
}
