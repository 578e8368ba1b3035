import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable, table } from '../base/text.js';
import { imagePaths } from '../node/files/image-paths.js';
import { PATIENT } from '../running/runner.js';
import { scoreTable } from '../running/class-scores.js';
import { portText } from '../running/session.js';
import { batchFor, type ImagePlan } from '../running/classify.js';
import {
  castFeeds,
  withBoundaryCasts,
  chooseProvider,
  type ClassScore,
  classScores,
  CnnxError,
  type Feeds,
  imageBatches,
  imagenetLabels,
  imageTensor,
  openModel,
  prepareImage,
  readImage,
  readLabels,
  readTensorFile,
  type Session,
  startRunner,
  type Tensor,
  typeText,
} from '../index.js';
import { failed } from './each.js';
import { type ErrorReport, io } from './io.js';
import { LINE_FORMATS, type LineFormat } from './run-lines.js';
import { runMany } from './run-many.js';
import { count, providerOptions, type ProviderOptions } from './options.js';
import { OutputFiles } from './output-files.js';
import { imagePlan, preprocessOptions, type PreprocessOptions } from './preprocess-options.js';

interface Options extends ProviderOptions, PreprocessOptions {
  readonly image?: readonly string[];
  readonly format?: LineFormat;
  readonly batch?: number;
  readonly input?: ReadonlyMap<string, string>;
  readonly labels?: string;
  readonly top: number;
  readonly save?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

/** What came out for one image, or for inputs from files. */
interface Result {
  readonly image?: string;
  readonly outputs: Feeds;
  /** The row of this image in outputs with several. */
  readonly row: number;
}

/** An image that could not be read. */
interface Unread {
  readonly image: string;
  readonly error: ErrorReport;
}

export const define = (command: Command): Command => {
  command
    .argument('<model>', 'ONNX file; - for standard input')
    .option('--image <files...>', 'JPEG, PNG or WebP files, folders of them, or patterns such as photos/**/*.jpg')
    .addOption(new Option('--format <kind>', 'one line for each image, as it comes').choices(LINE_FORMATS))
    .option('--batch <n>', 'images at a time, where the model leaves that open', count)
    .option('--input <name=file>', 'an input from an .npy or .pb file; repeatable', namedFile)
    .option('--labels <file>', 'names of the classes, one a line or a JSON list; ImageNet’s for 1000 classes')
    .option('--top <k>', 'classes to show', count, 5)
    .option('--save <folder>', 'write every output as NAME.npy into a folder, which is made if it is not there')
    .option('--threads <n>', "threads within one operator; onnxruntime's choice if left out", count)
    .option('--json', 'print the results as JSON');
  return providerOptions(preprocessOptions(command))
    .addHelpText('after', '\nExample:\n  cnnx run resnet50.onnx --image cat.jpg --top 3')
    .allowExcessArguments()
    .action(async (path: string, given: Options) => {
      const [, stray] = command.args;
      if (stray !== undefined)
        throw new CnnxError('cli/usage', `${printable(stray)} is one file too many: run takes one model`, {
          hint: `images are given with --image: cnnx run ${printable(path)} --image ${printable(stray)}`,
        });
      const o = { ...given, ...(given.image && { image: imagePaths(given.image) }) };
      if (given.format !== undefined) return runMany(path, o.image ?? [], given.format, o);
      const files = o.save === undefined ? undefined : new OutputFiles(o.save, (o.image?.length ?? 0) > 1);
      const reports: object[] = [];
      let labels: readonly string[] | undefined;
      for await (const result of compute(path, o)) {
        if ('error' in result) {
          reports.push(result);
          continue;
        }
        await files?.write(result.outputs);
        labels ??= await labelsFor(result, o.labels);
        if (o.json) reports.push(resultJson(result, labels, o.top));
        else io.print(resultText(result, labels, o.top));
      }
      if (o.json) await io.report('run', { model: path, results: reports });
    });
};

/** Images that a model with an open batch takes at a time. */
const BATCH = 16;

async function* compute(path: string, o: Options): AsyncGenerator<Result | Unread, void, undefined> {
  const opened = await openModel(path);
  const { model, leftOut } = withBoundaryCasts(opened);
  for (const why of leftOut) io.note(`left out: the output ${why}`);
  const { provider, passedOver } = await chooseProvider(o.provider, o.device);
  for (const p of passedOver) io.detail(`${p.provider}: ${p.reason}`);
  const runner = startRunner(PATIENT);
  try {
    io.progress(`loading ${path}`);
    const session = await runner.load(model, { provider, deviceId: o.device, threads: o.threads });
    const feeds = new Map<string, Tensor>();
    for (const [name, file] of o.input ?? []) feeds.set(name, readTensorFile(file).tensor);
    const unknown = [...feeds.keys()].find((name) => !session.inputs.some((p) => p.name === name));
    if (unknown !== undefined)
      throw new CnnxError('runtime/input', `the model has no input ${printable(unknown)}`, {
        hint: `its inputs are ${session.inputs.map(portText).join(', ')}`,
      });
    if (!o.image) {
      yield { outputs: await session.run(castFeeds(feeds)), row: 0 };
      return;
    }
    const plan = imagePlan(model, session.inputs, o);
    const fixed = plan.input.batch;
    if (fixed !== undefined && o.batch !== undefined && o.batch !== fixed)
      throw new CnnxError('cli/usage', `--batch ${o.batch}, and the model takes ${fixed} at a time`, {
        hint: `cnnx convert ${printable(path)} --batch N -o OTHER.onnx leaves that open`,
      });
    yield* classify(session, feeds, plan, o.batch ?? BATCH, o.image);
  } finally {
    runner.close();
  }
}

/** Results in the order of the files, as they come. */
async function* classify(
  session: Session,
  feeds: Map<string, Tensor>,
  { input, steps }: ImagePlan,
  openBatch: number,
  files: readonly string[],
): AsyncGenerator<Result | Unread, void, undefined> {
  const size = batchFor({ input, steps }, openBatch);
  let done = 0;
  for await (const batch of imageBatches(files, size, async (file) => prepareImage(await readImage(file), steps))) {
    io.progress(`images: ${done} of ${files.length}`);
    const images = batch.flatMap((b) => ('image' in b ? [b.image] : []));
    // A batch that the model fixes is filled up with its last image.
    const last = images.at(-1);
    if (last && input.batch !== undefined) while (images.length < size) images.push(last);
    if (last) feeds.set(input.name, imageTensor(images, steps, input));
    const outputs = last ? await session.run(castFeeds(feeds)) : new Map();
    let row = 0;
    for (const one of batch) {
      if ('error' in one) yield { image: one.file, error: failed(one.error, one.file) };
      else yield { image: one.file, outputs, row: row++ };
    }
    done += batch.length;
  }
}

async function labelsFor(result: Result, file: string | undefined): Promise<readonly string[] | undefined> {
  const classes = scoreTable(result.outputs)?.shape[1] ?? 0;
  if (file !== undefined) return readLabels(file, classes);
  return classes === 1000 ? imagenetLabels() : undefined;
}

const topOf = ({ outputs, row, image }: Result, top: number): readonly ClassScore[] => {
  const scores = image === undefined ? undefined : scoreTable(outputs);
  return (scores && classScores(scores, top)[row]) ?? [];
};

const resultJson = (r: Result, labels: readonly string[] | undefined, top: number): object => ({
  image: r.image,
  classes: topOf(r, top).map((c) => ({ ...c, label: labels?.[c.index] })),
  outputs: [...r.outputs].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape })),
});

function resultText(r: Result, labels: readonly string[] | undefined, top: number): string {
  const lines = r.image === undefined ? [] : [printable(r.image)];
  const rows = topOf(r, top).map((c) => [
    `${(100 * c.probability).toFixed(2)} %`,
    c.index,
    printable(labels?.[c.index] ?? ''),
  ]);
  if (rows.length > 0) lines.push(table(rows, ['probability', 'class', 'name']));
  else
    for (const [name, t] of r.outputs)
      lines.push(`${printable(name)} ${typeText({ kind: 'tensor', dtype: t.dtype, shape: t.shape })}`);
  return lines.join('\n');
}

function namedFile(text: string, previous: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('NAME=FILE, as in x=x.npy.');
  return new Map(previous).set(text.slice(0, at), text.slice(at + 1));
}
