import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { printable } from '../base/text.js';
import { CnnxError, imagenetLabels, openModel, readInputFolder, readLabels, saveModel, startRunner } from '../index.js';
import { scoreTablePort } from '../running/class-scores.js';
import { requiredInputs } from '../running/required-inputs.js';
import { PATIENT } from '../running/runner.js';
import { checkTritonModel, type PackageProblem } from '../tasks/package/check.js';
import { planPackage, type Target, TARGETS } from '../tasks/package/plan.js';
import { readTritonConfig } from '../tasks/package/triton-read.js';
import { writeFile } from '../node/files/write-file.js';
import { imagesInOptions, type ImagesInOptions, putImagesIn } from './images-in.js';
import { io } from './io.js';
import { count, whole } from './options.js';
import { packageVersion } from './version.js';

interface Options extends Omit<ImagesInOptions, 'verify'> {
  readonly for?: Target;
  readonly out?: string;
  readonly name?: string;
  readonly maxBatch?: number;
  readonly gpu?: 'cuda' | 'tensorrt' | true;
  readonly instances: number;
  readonly labels?: string;
  readonly inputs?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export const define = (command: Command): Command =>
  imagesInOptions(command)
    .argument('<model>', 'ONNX file; with --check the folder of a package')
    .addOption(new Option('--for <target>', 'what will serve it').choices(TARGETS))
    .option('-o, --out <dir>', 'folder to write; it must not be there, or be empty')
    .option('--name <name>', 'what clients call the model; the name of the file if left out')
    .option('--max-batch <n>', 'largest batch, 0 for none; at most 8 where the batch is proven free if left out', whole)
    .addOption(new Option('--gpu [accelerator]', 'serve on a GPU: cuda, or tensorrt').choices(['cuda', 'tensorrt']))
    .option('--instances <n>', 'copies of the model that the server keeps', count, 1)
    .option('--labels <file>', 'names of the classes, one a line or a JSON list; ImageNet’s for 1000 classes')
    .option('--inputs <dir>', 'inputs of the golden request: NAME.npy, or input_0.pb, ...')
    .option('--check', 'validate a package instead: what a server would trip over')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit code of --check: 0 nothing found, 1 something.' +
        '\n\nExample:\n  cnnx package resnet50.onnx --for triton -o repository && cnnx package repository --check',
    )
    .action(async (path: string, o: Options) => (o.check ? check(path, o) : write(path, o)));

async function write(path: string, o: Options): Promise<void> {
  if (o.for === undefined || o.out === undefined)
    throw new CnnxError('cli/usage', `${o.for === undefined ? '--for' : '--out'} is missing`, {
      hint: 'cnnx package MODEL --for triton|kserve|node -o DIR',
    });
  const name = o.name ?? basename(path).replace(/\.onnx$/i, '');
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.'))
    throw new CnnxError('cli/usage', `${printable(name)} cannot be the name of a served model`, {
      hint: 'give one with --name',
    });
  if (existsSync(o.out) && readdirSync(o.out).length > 0)
    throw new CnnxError('cli/usage', `${printable(o.out)} is not empty`, {
      hint: 'name a folder that is not there yet',
    });
  const model = await openModel(path);
  if (o.imagesIn !== undefined) {
    const { proof } = await putImagesIn(model, { ...o, verify: true });
    if (proof?.holds === false) return;
  }
  const runner = startRunner(PATIENT);
  const parent = dirname(resolve(o.out));
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, '.cnnx-package-'));
  try {
    const given =
      o.inputs === undefined
        ? undefined
        : readInputFolder(
            o.inputs,
            requiredInputs(model).map((v) => v.name),
          )[0];
    const plan = await planPackage(model, {
      name,
      target: o.for,
      runner,
      version: packageVersion(),
      maxBatch: o.maxBatch,
      gpu: o.gpu === true ? 'cuda' : o.gpu,
      instances: o.instances,
      labels: await labelsOf(model, o.labels),
      given,
      source: { file: basename(path), sha256: await sha256(path) },
      onProgress: (text) => io.progress(text),
    });
    for (const [file, data] of plan.files) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), [typeof data === 'string' ? new TextEncoder().encode(data) : data]);
    }
    await placeModel(model, folder, plan.model);
    await rm(o.out, { recursive: true, force: true });
    await rename(folder, o.out);
    const files = listFiles(o.out);
    if (o.json)
      return await io.report('package', {
        out: o.out,
        target: o.for,
        name,
        maxBatch: plan.maxBatch,
        files,
        notes: plan.notes,
      });
    for (const note of plan.notes) io.note(note);
    io.print(`written: ${o.out}, for ${o.for}, largest batch ${plan.maxBatch === 0 ? 'none' : plan.maxBatch}`);
    for (const file of files) io.print(`  ${file}`);
  } finally {
    runner.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where weights stand in a side file, Triton takes a folder called model.onnx with both in it. */
async function placeModel(model: Parameters<typeof saveModel>[0], folder: string, at: string): Promise<void> {
  const path = join(folder, at);
  await mkdir(dirname(path), { recursive: true });
  const { side } = await saveModel(model, path);
  if (side === undefined || at === 'model.onnx') return;
  const inner = join(dirname(path), '.model');
  await mkdir(inner);
  for (const file of [path, side]) await rename(file, join(inner, basename(file)));
  await rename(inner, path);
}

async function labelsOf(
  model: Parameters<typeof saveModel>[0],
  file: string | undefined,
): Promise<readonly string[] | undefined> {
  const ports = model.graph.outputs.map((v, i) => {
    const type = model.graph.outputInfos[i]?.type ?? v.type;
    const tensor = type?.kind === 'tensor' ? type : undefined;
    return { name: v.name, dtype: tensor?.dtype, shape: (tensor?.shape ?? []).map((d) => d ?? '?') };
  });
  const classes = scoreTablePort(ports);
  if (file !== undefined) return readLabels(file, classes ?? 0);
  return classes === 1000 ? imagenetLabels() : undefined;
}

async function sha256(path: string): Promise<string> {
  if (path === '-') return 'unknown: it came from standard input';
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

const listFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => statSync(join(folder, f)).isFile())
    .map((f) => f.replaceAll('\\', '/'))
    .sort();

async function check(folder: string, o: Options): Promise<void> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new CnnxError('serve/package', `${printable(folder)} is no folder`, { at: { file: folder } });
  const files = listFiles(folder);
  const configs = files.filter((f) => f.endsWith('config.pbtxt'));
  if (configs.length === 0)
    throw new CnnxError('serve/package', `there is no config.pbtxt below ${printable(folder)}`, {
      at: { file: folder },
      hint: 'name a model repository: a folder with NAME/config.pbtxt and NAME/1/model.onnx',
    });
  const problems: PackageProblem[] = [];
  for (const config of configs) problems.push(...(await checkModel(folder, dirname(config), files)));
  if (o.json) await io.report('package', { folder, models: configs.map(dirname), problems });
  else {
    for (const p of problems) {
      io.print(`${p.file}: ${p.message}`);
      if (p.hint !== undefined) io.print(`  hint: ${p.hint}`);
    }
    io.print(problems.length === 0 ? `${configs.length} models, nothing found` : `${problems.length} problems`);
  }
  if (problems.length > 0) io.fail(1);
}

async function checkModel(folder: string, place: string, all: readonly string[]): Promise<readonly PackageProblem[]> {
  const name = basename(place === '.' ? resolve(folder) : place);
  const inside = (f: string): string => relative(place === '.' ? '' : place, f).replaceAll('\\', '/');
  const own = all.filter((f) => place === '.' || f.startsWith(`${place}/`));
  const sizes = new Map(own.map((f) => [inside(f), statSync(join(folder, f)).size]));
  const versions = [...sizes.keys()].filter((f) => /^\d+\/model\.onnx(?:\/model\.onnx)?$/.test(f));
  if (versions.length === 0)
    return [{ file: place, message: 'there is no NUMBER/model.onnx', hint: 'Triton looks for 1/model.onnx' }];
  const config = readTritonConfig(readFileSync(join(folder, place, 'config.pbtxt'), 'utf8'));
  const problems: PackageProblem[] = [];
  for (const version of versions) {
    const file = join(place, version);
    try {
      const model = await openModel(join(folder, file));
      const side = [...sizes.keys()].filter((f) => f.startsWith(dirname(version)) && f !== version);
      if (side.length > 0 && !version.endsWith('model.onnx/model.onnx'))
        problems.push({
          file,
          message: `the model has side files (${side.map((f) => basename(f)).join(', ')}) beside it`,
          hint: 'Triton reads them from a folder: 1/model.onnx/model.onnx, with the side files in it',
        });
      problems.push(
        ...checkTritonModel({
          name,
          config,
          model,
          modelFile: file,
          modelBytes: sizes.get(version) ?? 0,
          files: sizes,
        }),
      );
    } catch (error) {
      if (!(error instanceof CnnxError)) throw error;
      problems.push({ file, message: error.message, hint: error.hint });
    }
  }
  return problems;
}
