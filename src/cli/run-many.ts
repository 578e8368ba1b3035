import { availableParallelism } from 'node:os';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { readImage } from '../node/files/image-file.js';
import { imagenetLabels, readLabels } from '../node/files/labels.js';
import { openModel } from '../node/files/model-file.js';
import { startRunner } from '../node/machine/process-runner.js';
import { chooseProvider } from '../node/onnxruntime/providers.js';
import { withBoundaryCasts } from '../running/boundary-casts.js';
import { classScores, scoreTable } from '../running/class-scores.js';
import { batchFor, type ImagePlan, type Prepared, prepareSample, runBatch } from '../running/classify.js';
import { grouped, prefetched } from '../running/prefetch.js';
import { PATIENT } from '../running/runner.js';
import type { Session } from '../running/session.js';
import { io } from './io.js';
import type { ProviderOptions } from './options.js';
import { imagePlan, type PreprocessOptions } from './preprocess-options.js';
import { Progress } from './progress.js';
import { csvHead, imageLine, type ImageLine, type LineFormat } from './run-lines.js';

export interface RunManyOptions extends ProviderOptions, PreprocessOptions {
  readonly labels?: string;
  readonly top: number;
  readonly batch?: number;
  readonly threads?: number;
}

interface Loaded {
  readonly file: string;
  readonly prepared?: Prepared;
  readonly error?: CnnxError;
}

/** Batches that are decoded ahead of the model. */
const AHEAD = 2;

/** Prints one line for each image as it comes, in their order; images are read while the model runs, and memory does not grow with their number. */
export async function runMany(
  path: string,
  files: readonly string[],
  format: LineFormat,
  o: RunManyOptions,
): Promise<void> {
  if (files.length === 0)
    throw new CnnxError('cli/usage', '--format is for images, and none are given', {
      hint: 'name files, folders or patterns with --image',
    });
  const { model } = withBoundaryCasts(await openModel(path));
  const { provider, passedOver } = await chooseProvider(o.provider, o.device);
  for (const p of passedOver) io.detail(`${p.provider}: ${p.reason}`);
  const runner = startRunner(PATIENT);
  try {
    // One core is for decoding.
    const threads = o.threads ?? Math.max(1, availableParallelism() - 1);
    const session = await runner.load(model, { provider, deviceId: o.device, threads });
    const plan = imagePlan(model, session.inputs, o);
    const size = batchFor(plan, o.batch);
    const load = async (file: string): Promise<Loaded> => {
      try {
        return { file, prepared: prepareSample(await readImage(file), plan) };
      } catch (error) {
        if (!(error instanceof CnnxError) || error.exitCode === 3) throw error;
        return { file, error };
      }
    };
    const progress = new Progress('running', files.length);
    if (format === 'csv') io.print(csvHead(o.top));
    let done = 0;
    let running: Promise<void> = Promise.resolve();
    for await (const group of grouped(prefetched(files, size * AHEAD, load), size)) {
      await running;
      running = runGroup(session, plan, group, o).then((lines) => {
        for (const line of lines) io.print(imageLine(line, format, o.top));
        done += lines.length;
        progress.show(done);
      });
      running.catch(() => {});
    }
    await running;
  } finally {
    runner.close();
  }
}

async function runGroup(
  session: Session,
  plan: ImagePlan,
  group: readonly Loaded[],
  o: RunManyOptions,
): Promise<readonly ImageLine[]> {
  const prepared = group.flatMap((l) => l.prepared ?? []);
  const outputs = prepared.length > 0 ? await runBatch(session, prepared, plan) : new Map();
  const scores = scoreTable(outputs);
  if (prepared.length > 0 && !scores)
    throw new CnnxError('data/classes', 'the model gives no table of scores: float [N,classes]', {
      hint: 'of other models cnnx run saves the outputs: leave --format out, and give --save',
    });
  const rows = scores ? classScores(scores, o.top) : [];
  const labels = scores && (await labelsFor(scores.shape[1] ?? 0, o.labels));
  let row = 0;
  return group.map(({ file, error }) => {
    if (error) {
      io.warn(`${printable(file)}: ${error.message}`);
      io.fail(error.exitCode);
      return { image: file, classes: [], error: error.message };
    }
    const classes = rows[row++] ?? [];
    return { image: file, classes: classes.map((c) => ({ ...c, ...(labels && { label: labels[c.index] }) })) };
  });
}

const LABELS = new Map<string, readonly string[]>();

/** Names are read once. */
async function labelsFor(classes: number, file: string | undefined): Promise<readonly string[] | undefined> {
  if (file === undefined) return classes === 1000 ? imagenetLabels() : undefined;
  const found = LABELS.get(file) ?? readLabels(file, classes);
  LABELS.set(file, found);
  return found;
}
