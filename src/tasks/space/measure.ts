import { totalCosts } from '../../analysis/index.js';
import { buildArchitecture, parseOwnCard, type Variant } from '../../builders/index.js';
import { evaluator } from '../../running/evaluate.js';
import { PATIENT, type Runner, type StartRunner } from '../../running/runner.js';
import type { Feeds, ProviderName, Session } from '../../running/session.js';
import { suitableRuns } from '../../running/random-inputs.js';
import type { Model } from '../../graph/ir.js';
import { fuse } from '../../passes/fuse.js';
import { pairedRatio, quantile } from '../bench.js';

/** One network to be measured: where it comes from, and how it is built. */
export interface Candidate {
  readonly name: string;
  readonly space: string;
  readonly variant: Variant;
}

/** What all measurements of a file are relative to. */
export interface Reference {
  readonly reference: string;
  /** Median milliseconds, when the file was begun. */
  readonly ms: number;
  readonly provider: ProviderName;
  readonly threads: number;
  readonly runs: number;
}

/** One line of a file of measurements. */
export interface Measurement {
  readonly name: string;
  readonly space: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly params: number;
  readonly macs: number;
  readonly activations: number;
  /** Bytes: weights, and the activations that live at once. */
  readonly memory: number;
  /** `ratio` to the reference, run in turns with it; `ms` is that times the reference's median. The interval is that of the median, 95 %. */
  readonly latency: { readonly ms: number; readonly ratio: number; readonly low: number; readonly high: number };
}

export interface MeasureOptions {
  readonly startRunner: StartRunner;
  readonly provider?: ProviderName | undefined;
  readonly deviceId?: number | undefined;
  readonly threads?: number | undefined;
  /** Timed runs of each network; 21 if absent. */
  readonly runs?: number | undefined;
  /** What the reference was when the file was begun; measured anew if absent. */
  readonly reference?: Reference | undefined;
}

const RUNS = 21;
const WARMUP = 3;
/** So many networks share one process before a fresh one starts: onnxruntime keeps memory of what it released. */
const PER_PROCESS = 25;

/** Times networks in their fused form, each in turns with the reference, so that a machine that slows down slows down both. */
export class SpaceMeasurer {
  readonly #options: MeasureOptions;
  readonly #referenceModel: Model;
  readonly #referenceName: string;
  #runner: Runner | undefined;
  #timed: Timed | undefined;
  #count = 0;
  #reference: Reference | undefined;

  constructor(reference: Variant, options: MeasureOptions) {
    this.#options = options;
    this.#referenceName = reference.name;
    this.#referenceModel = buildArchitecture(reference).model;
    this.#reference = options.reference;
  }

  /** What everything is measured against; fixed by the first call, or given. */
  async reference(): Promise<Reference> {
    const { provider = 'cpu', threads = 1, runs = RUNS } = this.#options;
    if (this.#reference) return this.#reference;
    const { session } = await this.#ready();
    const ms = quantile(await session.time(undefined, runs), 0.5);
    this.#reference = { reference: this.#referenceName, ms, provider, threads, runs };
    return this.#reference;
  }

  async measure({ name, space, variant }: Candidate): Promise<Measurement> {
    const { ms, runs } = await this.reference();
    const { session: base, runner } = await this.#ready();
    const { model } = buildArchitecture(variant);
    const { parameters, macs, activations, weightBytes, peakActivationBytes = Number.NaN } = totalCosts(model);
    await fuse(model, { evaluate: evaluator(runner) });
    const { session } = await this.#load(runner, model);
    const times: number[] = [];
    const baseTimes: number[] = [];
    for (let i = 0; i < runs; i++) {
      // Turn and turn about, as bench does.
      for (const [which, out] of i % 2 === 0
        ? both(base, baseTimes, session, times)
        : both(session, times, base, baseTimes))
        out.push(...(await which.time(undefined, 1)));
    }
    await session.release();
    runner.forget(model);
    const { median, low, high } = pairedRatio(times, baseTimes);
    const memory = weightBytes + peakActivationBytes;
    const latency = { ms: median * ms, ratio: median, low, high };
    return { name, space, config: configOf(variant), params: parameters, macs, activations, memory, latency };
  }

  close(): void {
    this.#runner?.close();
    this.#runner = undefined;
    this.#timed = undefined;
  }

  async #ready(): Promise<Timed> {
    this.#count += 1;
    if (this.#count % PER_PROCESS === 0) this.close();
    this.#runner ??= this.#options.startRunner(PATIENT);
    this.#timed ??= await this.#load(this.#runner, this.#referenceModel);
    return this.#timed;
  }

  async #load(runner: Runner, model: Model): Promise<Timed> {
    const { provider = 'cpu', deviceId, threads = 1 } = this.#options;
    const session = await runner.load(model, { provider, deviceId, threads, optimization: 'all' });
    const [run] = await suitableRuns(session, { sizes: {}, seed: 0, runs: 1 });
    const feeds: Feeds = run?.feeds ?? new Map();
    await session.time(feeds, WARMUP);
    return { session, runner };
  }
}

interface Timed {
  readonly session: Session;
  readonly runner: Runner;
}

const both = (a: Session, at: number[], b: Session, bt: number[]): readonly (readonly [Session, number[]])[] => [
  [a, at],
  [b, bt],
];

/** The variant of a line that `space sample` wrote. Throws `card/invalid`. */
export function candidateOf(card: unknown): Candidate {
  const [variant] = parseOwnCard(card).variants.values();
  if (!variant) throw new Error('bug: a card without a variant was accepted');
  const name = variant.name;
  return { name, space: /^(anynet_[a-e]|regnet_[xy])_s/.exec(name)?.[1] ?? 'own', variant };
}

const configOf = (variant: Variant): Readonly<Record<string, unknown>> => variant.config;
