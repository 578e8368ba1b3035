import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable, table } from '../base/text.js';
import { makeFolder, writeFile } from '../node/files/write-file.js';
import { imagePaths } from '../node/files/image-paths.js';
import { PATIENT } from '../running/runner.js';
import { scoreTable } from '../running/class-scores.js';
import { portText } from '../running/session.js';
import type { ImagePlan } from '../running/classify.js';
import {
  castFeeds,
  withBoundaryCasts,
  chooseProvider,
  type ClassScore,
  classScores,
  CnnxError,
  type Feeds,
  type Image,
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
  writeNpy,
} from '../index.js';
import { io } from './io.js';
import { LINE_FORMATS, type LineFormat } from './run-lines.js';
import { runMany } from './run-many.js';
import { count, providerOptions, type ProviderOptions } from './options.js';
import { imagePlan, preprocessOptions, type PreprocessOptions } from './preprocess-options.js';

interface Options extends ProviderOptions, PreprocessOptions {
  readonly image?: readonly string[];
  readonly format?: LineFormat;
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

export const define = (command: Command): Command => {
  command
    .argument('<model>', 'ONNX file; - for standard input')
    .option('--image <files...>', 'JPEG, PNG or WebP files, folders of them, or patterns such as photos/**/*.jpg')
    .addOption(new Option('--format <kind>', 'one line for each image, as it comes').choices(LINE_FORMATS))
    .option('--input <name=file>', 'an input from an .npy or .pb file; repeatable', namedFile)
    .option('--labels <file>', 'names of the classes, one a line or a JSON list; ImageNet’s for 1000 classes')
    .option('--top <k>', 'classes to show', count, 5)
    .option('--save <folder>', 'write every output as NAME.npy into a folder, which is made if it is not there')
    .option('--threads <n>', "threads within one operator; onnxruntime's choice if left out", count)
    .option('--json', 'print the results as JSON');
  return providerOptions(preprocessOptions(command))
    .addHelpText('after', '\nExample:\n  cnnx run resnet50.onnx --image cat.jpg --top 3')
    .action(async (path: string, given: Options) => {
      const o = { ...given, ...(given.image && { image: imagePaths(given.image) }) };
      if (given.format !== undefined) return runMany(path, o.image ?? [], given.format, o);
      const results = await compute(path, o);
      if (o.save !== undefined) await save(results, o.save);
      const labels = await labelsFor(results, o.labels);
      if (o.json) await io.json(results.map((r) => resultJson(r, labels, o.top)));
      else for (const r of results) io.print(resultText(r, labels, o.top));
    });
};

async function compute(path: string, o: Options): Promise<readonly Result[]> {
  const opened = await openModel(path);
  const { model, leftOut } = withBoundaryCasts(opened);
  for (const why of leftOut) io.note(`left out: the output ${why}`);
  const { provider, passedOver } = await chooseProvider(o.provider, o.device);
  for (const p of passedOver) io.note(`${p.provider}: ${p.reason}`);
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
    if (!o.image) return [{ outputs: await session.run(castFeeds(feeds)), row: 0 }];
    return await classify(session, feeds, imagePlan(model, session.inputs, o), o.image);
  } finally {
    runner.close();
  }
}

/** As many images at a time as the model takes: one, or all where it leaves that open. */
async function classify(
  session: Session,
  feeds: Map<string, Tensor>,
  { input, steps }: ImagePlan,
  files: readonly string[],
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const size = input.batch ?? files.length;
  for (let at = 0; at < files.length; at += size) {
    const group = files.slice(at, at + size);
    io.progress(`image ${at + 1} of ${files.length}`);
    const images: Image[] = [];
    for (const file of group) images.push(prepareImage(await readImage(file), steps));
    // A batch that the model fixes is filled up with its last image.
    const filled = Array.from({ length: size }, (_, i) => images[Math.min(i, images.length - 1)]).filter(
      (x) => x !== undefined,
    );
    feeds.set(input.name, imageTensor(filled, steps, input));
    const outputs = await session.run(castFeeds(feeds));
    results.push(...group.map((image, row) => ({ image, outputs, row })));
  }
  return results;
}

async function labelsFor(results: readonly Result[], file: string | undefined): Promise<readonly string[] | undefined> {
  const [result] = results;
  const classes = (result && scoreTable(result.outputs)?.shape[1]) ?? 0;
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

async function save(results: readonly Result[], folder: string): Promise<void> {
  await makeFolder(folder);
  const seen = new Set<Feeds>();
  const taken = new Set<string>();
  for (const { outputs, image } of results) {
    if (seen.has(outputs)) continue;
    seen.add(outputs);
    for (const [name, tensor] of outputs) {
      const stem = [...(results.length > 1 && image !== undefined ? [String(seen.size)] : []), name].join('.');
      await writeFile(join(folder, `${fileName(stem, taken)}.npy`), writeNpy(tensor));
    }
  }
}

/** A name from a model as one that is harmless in a path of ours, and that no other output has. */
function fileName(name: string, taken: Set<string>): string {
  const plain = name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_');
  let unused = plain;
  for (let n = 2; taken.has(unused.toLowerCase()); n++) unused = `${plain}.${n}`;
  taken.add(unused.toLowerCase());
  return unused;
}

function namedFile(text: string, previous: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('NAME=FILE, as in x=x.npy.');
  return new Map(previous).set(text.slice(0, at), text.slice(at + 1));
}
