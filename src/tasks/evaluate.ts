import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { bestClasses, scoreTable } from '../running/class-scores.js';
import { batchFor, type ImagePlan, type Prepared, prepareSample, runBatch } from '../running/classify.js';
import { grouped, prefetched } from '../running/prefetch.js';
import type { Samples } from '../running/samples.js';
import type { Session } from '../running/session.js';
import type { Prediction } from '../verify/accuracy.js';

/** A loaded model in an evaluation. */
export interface Contender extends ImagePlan {
  readonly file: string;
  readonly session: Session;
}

/** A sample that could not be read, or that a model does not take. */
export interface BrokenSample {
  readonly index: number;
  readonly image: string;
  readonly why: string;
}

export interface EvaluateOptions {
  readonly samples: Samples;
  /** Which of them, in which order. */
  readonly indices: readonly number[];
  /** The class of a sample as an index of the models' outputs. */
  readonly truth: (index: number) => number;
  /** Images at a time for models that leave it open. */
  readonly batch?: number | undefined;
  /** A broken sample is an error. */
  readonly strict?: boolean | undefined;
  /** Hears of every batch when it is done, in order. */
  readonly onResults: (predictions: readonly Prediction[], broken: readonly BrokenSample[]) => void;
}

/** Best classes that are kept of each image. */
const TOP = 5;

/** Batches that are decoded ahead of the models. */
const AHEAD = 2;

interface Loaded {
  readonly index: number;
  /** By contender. */
  readonly prepared: readonly Prepared[];
  readonly broken?: string | undefined;
}

/**
 * Runs models on samples, and gives the five best classes of each. Samples are read and prepared while the models run, a bounded number ahead;
 * those that are broken are named and left out. Throws `data/*` for a class that no model has, and what running throws.
 */
export async function evaluate(contenders: readonly Contender[], options: EvaluateOptions): Promise<void> {
  const { samples, indices, strict = false } = options;
  const size = Math.max(...contenders.map((c) => batchFor(c, options.batch)));
  const load = async (index: number): Promise<Loaded> => {
    try {
      const sample = await samples.read(index);
      return { index, prepared: shared(contenders, (plan) => prepareSample(sample, plan)) };
    } catch (error) {
      if (strict || !(error instanceof CnnxError) || error.exitCode === 3) throw error;
      return { index, prepared: [], broken: error.message };
    }
  };
  let running: Promise<void> = Promise.resolve();
  for await (const group of grouped(prefetched(indices, size * AHEAD, load), size)) {
    await running;
    running = runGroup(contenders, group, options);
    running.catch(() => {});
  }
  await running;
}

/** One result for contenders with the same steps and sizes. */
function shared(contenders: readonly Contender[], prepare: (plan: ImagePlan) => Prepared): readonly Prepared[] {
  const made = new Map<string, Prepared>();
  return contenders.map((plan) => {
    const { resize, crop, interpolation } = plan.steps;
    const { batch: _batch, name: _name, ...form } = plan.input;
    const key = JSON.stringify([resize, crop, interpolation, form]);
    const found = made.get(key) ?? prepare(plan);
    made.set(key, found);
    return found;
  });
}

async function runGroup(
  contenders: readonly Contender[],
  group: readonly Loaded[],
  { samples, truth, onResults }: EvaluateOptions,
): Promise<void> {
  const whole = group.filter((l) => l.broken === undefined);
  const best: (readonly (readonly number[])[])[] = [];
  for (const [c, contender] of contenders.entries())
    best.push(
      await bestOf(
        contender,
        whole.flatMap((l) => l.prepared[c] ?? []),
      ),
    );
  onResults(
    whole.map(({ index }, row) => ({
      index,
      image: samples.name(index),
      truth: truth(index),
      best: best.map((b) => b[row] ?? []),
    })),
    group.flatMap(({ index, broken }) =>
      broken === undefined ? [] : [{ index, image: samples.name(index), why: broken }],
    ),
  );
}

/** In as many runs as the model's batch asks for. */
async function bestOf(contender: Contender, prepared: readonly Prepared[]): Promise<readonly (readonly number[])[]> {
  const size = batchFor(contender, Math.max(1, prepared.length));
  const out: (readonly number[])[] = [];
  for (let at = 0; at < prepared.length; at += size) {
    const part = prepared.slice(at, at + size);
    const scores = scoreTable(await runBatch(contender.session, part, contender));
    if (!scores)
      throw new CnnxError('data/classes', `${printable(contender.file)} gives no table of scores: float [N,classes]`, {
        hint: 'only classifiers have an accuracy; cnnx verify compares other models',
      });
    out.push(...bestClasses(scores, TOP).slice(0, part.length));
  }
  return out;
}
