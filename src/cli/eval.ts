import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { FileSource } from '../node/files/file-source.js';
import { imagenetLabels, imagenetSynsets, readLabels } from '../node/files/labels.js';
import { openModel } from '../node/files/model-file.js';
import { type Evaluation, mergeRecords, RecordsFile } from '../node/files/records.js';
import { openSamples } from '../node/files/samples.js';
import { startRunner } from '../node/machine/process-runner.js';
import { chooseProvider } from '../node/onnxruntime/providers.js';
import { withBoundaryCasts } from '../running/boundary-casts.js';
import { type ClassIndices, classIndices } from '../running/class-indices.js';
import { isTable } from '../running/class-scores.js';
import { PATIENT, type Runner } from '../running/runner.js';
import { type Samples, sampled } from '../running/samples.js';
import type { Port } from '../running/session.js';
import { type BrokenSample, type Contender, evaluate } from '../tasks/evaluate.js';
import type { Prediction } from '../verify/accuracy.js';
import { evaluationReport, evaluationText } from './eval-report.js';
import { io } from './io.js';
import { count, limit, providerOptions, type ProviderOptions, whole } from './options.js';
import { imagePlan, preprocessOptions, type PreprocessOptions } from './preprocess-options.js';
import { Progress } from './progress.js';

interface Options extends ProviderOptions, PreprocessOptions {
  readonly data?: string;
  readonly truth?: string;
  readonly labels?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly batch?: number;
  readonly threads?: number;
  readonly shard?: Shard;
  readonly records?: string;
  readonly merge?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

interface Shard {
  readonly index: number;
  readonly of: number;
}

export const define = (command: Command): Command => {
  command
    .argument('<files...>', 'ONNX files; with --merge: records of shards')
    .option('--data <path>', 'a folder of class folders, or of images; an IDX, .npy or CIFAR file')
    .option('--truth <file>', 'the classes: a table of files and classes (CSV), or an IDX or .npy file')
    .option('--labels <file>', 'names of the classes in the order of the outputs, one a line or a JSON list')
    .option(
      '--limit <n>',
      'evaluate so many, drawn by --seed; NAME=VALUE: a bound on files (docs/security.md)',
      limitOrCount,
    )
    .option('--seed <n>', 'for what --limit draws', whole, 0)
    .option('--batch <n>', 'images at a time, for models that leave it open', count)
    .option('--threads <n>', 'threads within one operator; all cores but one, which decodes, if left out', count)
    .option('--records <file>', 'write results as they come, and go on from those that are there')
    .option('--shard <i/n>', 'evaluate every n-th sample from the i-th on; i from 0 to n - 1, or from 1 to n', shard)
    .option('--merge', 'put records of shards together, and report on all of them')
    .option('--strict', 'end at a broken image, or with --merge at a missing one')
    .option('--json', 'print the report as JSON');
  return providerOptions(preprocessOptions(command))
    .addHelpText(
      'after',
      '\nExample:\n  cnnx eval mnist.onnx --data t10k-images-idx3-ubyte.gz --truth t10k-labels-idx1-ubyte.gz\n  cnnx eval a.onnx b.onnx --data val/ --records val.jsonl',
    )
    .action(async (files: readonly string[], o: Options) => {
      if (o.merge) return merge(files, o);
      if (o.data === undefined)
        throw new CnnxError('cli/usage', 'there is nothing to evaluate on', { hint: 'name images with --data' });
      await evaluateFiles(files, openSamples(o.data, o.truth), o);
    });
};

async function merge(files: readonly string[], o: Options): Promise<void> {
  const { evaluation, predictions, broken } = mergeRecords(files);
  const missing = evaluation.of - predictions.length - broken.length;
  if (missing > 0)
    io.warn(`${missing} of ${evaluation.of} images are in none of the records: a shard is missing or not done`);
  if (missing > 0 && o.strict) io.fail(1);
  await print(evaluation, predictions, broken, undefined, o);
}

async function evaluateFiles(files: readonly string[], samples: Samples, o: Options): Promise<void> {
  const { provider, passedOver } = await chooseProvider(o.provider, o.device);
  for (const p of passedOver) io.detail(`${p.provider}: ${p.reason}`);
  const runner = startRunner(PATIENT);
  try {
    const contenders: Contender[] = [];
    for (const file of files) contenders.push(await load(file, runner, provider, o));
    const classes = await classesOf(contenders, samples, o);
    const chosen = sampled(samples.count, o.limit, o.seed);
    const truths = new Map(chosen.map((index) => [index, truthOf(samples, classes, index)]));
    const evaluation: Evaluation = {
      models: contenders.map(({ file, steps, input }) => ({
        file,
        sha256: hashOf(file),
        preprocess: { ...steps, layout: input.layout },
      })),
      data: samples.description,
      of: chosen.length,
      limit: o.limit,
      seed: o.seed,
      names: classes.names,
      classes: classes.how,
    };
    const mine = o.shard ? chosen.filter((_, i) => i % (o.shard?.of ?? 1) === o.shard?.index) : chosen;
    const shardName = o.shard && `${o.shard.index}/${o.shard.of}`;
    const records = o.records === undefined ? undefined : new RecordsFile(o.records, evaluation, shardName);
    const predictions: Prediction[] = [...(records?.done.predictions ?? [])];
    const broken: BrokenSample[] = [...(records?.done.broken ?? [])];
    const done = new Set([...predictions, ...broken].map((r) => r.index));
    if (done.size > 0)
      io.note(`going on: ${done.size} of ${mine.length} images are in ${printable(o.records ?? '')} already`);
    const progress = new Progress('evaluating', mine.length, done.size);
    try {
      await evaluate(contenders, {
        samples,
        indices: mine.filter((i) => !done.has(i)),
        truth: (index) => truths.get(index) ?? -1,
        batch: o.batch,
        strict: o.strict,
        onResults: (more, lost) => {
          predictions.push(...more);
          broken.push(...lost);
          records?.add(more, lost);
          for (const b of lost) io.warn(`${printable(b.image)}: ${b.why}`);
          progress.show(predictions.length + broken.length);
        },
      });
    } finally {
      records?.close();
    }
    const fresh = predictions.length + broken.length - done.size;
    const byIndex = (a: { index: number }, b: { index: number }): number => a.index - b.index;
    await print(
      evaluation,
      predictions.toSorted(byIndex),
      broken.toSorted(byIndex),
      { seconds: progress.seconds, fresh, shard: shardName },
      o,
    );
  } finally {
    runner.close();
  }
}

async function load(file: string, runner: Runner, provider: 'cpu' | 'cuda' | 'webgpu', o: Options): Promise<Contender> {
  io.progress(`loading ${file}`);
  try {
    const { model } = withBoundaryCasts(await openModel(file));
    // One core is for decoding.
    const threads = o.threads ?? Math.max(1, availableParallelism() - 1);
    const session = await runner.load(model, { provider, deviceId: o.device, threads });
    return { file, session, ...imagePlan(model, session.inputs, o) };
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file }) : error;
  }
}

/** How the labels of the data become indices of outputs, of which all models have equally many. */
async function classesOf(contenders: readonly Contender[], samples: Samples, o: Options): Promise<ClassIndices> {
  const counts = contenders.map((c) => classCount(c.session.outputs));
  const [classes = samples.classes?.length ?? 0] = counts;
  contenders.forEach(({ file }, i) => {
    if (counts[i] !== undefined && counts[i] !== classes)
      throw new CnnxError(
        'data/classes',
        `${printable(file)} has ${counts[i]} classes, and ${printable(contenders[0]?.file ?? '')} ${classes}`,
        {
          hint: 'only models of the same classes can be compared',
        },
      );
  });
  return classIndices(samples, classes, {
    given: o.labels === undefined ? undefined : readLabels(o.labels, classes),
    ...(classes === 1000 && { imagenet: await imagenetLabels(), synsets: await imagenetSynsets() }),
  });
}

/** Undefined where the model leaves it open. */
function classCount(outputs: readonly Port[]): number | undefined {
  const table = outputs.find((p) => p.dtype?.startsWith('float') && isTable(p.shape));
  const size = table?.shape[1];
  return typeof size === 'number' ? size : undefined;
}

function truthOf(samples: Samples, classes: ClassIndices, index: number): number {
  const label = samples.label(index);
  if (label !== undefined) return classes.of(label);
  throw new CnnxError('data/classes', `${printable(samples.name(index))} has no class`, {
    hint: 'put images into a folder for each class, or name a table or file of classes with --truth',
  });
}

function hashOf(file: string): string {
  if (file === '-') return '-';
  const source = new FileSource(file);
  try {
    const hash = createHash('sha256');
    const step = 2 ** 24;
    for (let at = 0; at < source.size; at += step) hash.update(source.read(at, Math.min(step, source.size - at)));
    return hash.digest('hex');
  } finally {
    source.close();
  }
}

async function print(
  evaluation: Evaluation,
  predictions: readonly Prediction[],
  broken: readonly BrokenSample[],
  run: { readonly seconds: number; readonly fresh: number; readonly shard: string | undefined } | undefined,
  o: Options,
): Promise<void> {
  const report = evaluationReport(evaluation, predictions, broken, run);
  if (o.json) await io.report('eval', report);
  else io.print(evaluationText(report));
}

function limitOrCount(text: string, previous: number | undefined): number | undefined {
  if (!text.includes('=')) return count(text);
  limit(text);
  return previous;
}

/** n/n is 0/n: so counting from 1 gives every shard once, too. */
function shard(text: string): Shard {
  const [, i = '', n = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const of = Number(n);
  const index = Number(i);
  if (n === '' || of < 1 || index > of)
    throw new InvalidArgumentError('I/N with I from 0 to N - 1 (or from 1 to N), as in 0/4.');
  return { index: index % of, of };
}
