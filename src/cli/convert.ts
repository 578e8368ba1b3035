import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { type StateDictForm } from '../weights/deploy.js';
import {
  CnnxError,
  type Model,
  openCheckpoint,
  openModel,
  replaceInitializers,
  type ReplaceReport,
  saveModel,
} from '../index.js';
import { type ImagesInOptions, imagesInOptions, putImagesIn } from './images-in.js';
import { io } from './io.js';
import { opsetText, toOpset } from './opset.js';
import { count } from './options.js';
import { changeSizes, type SizeOptions, sizeOptions } from './sizes.js';
import { operate, type SurgeryOptions, surgeryOptions } from './surgery-options.js';
import { CHECKPOINT_OPTIONS } from './weights.js';
import { checkOutput, writing } from './output.js';
import { writeStateDict } from './state-dicts.js';

interface Options extends ImagesInOptions, SizeOptions, SurgeryOptions {
  readonly out: string;
  readonly opset?: number;
  readonly externalData?: boolean;
  readonly inline?: boolean;
  readonly weights?: string;
  readonly partial?: boolean;
  readonly entry?: string;
  readonly prefix?: string;
  readonly stateDict?: StateDictForm;
  readonly json?: boolean;
}

export const define = (command: Command): Command =>
  surgeryOptions(imagesInOptions(sizeOptions(command)))
    .argument('<file>', 'ONNX model, PyTorch checkpoint or safetensors; - for standard input')
    .requiredOption('-o, --out <file>', 'ONNX or .safetensors file to write; - for a model on standard output')
    .option('--opset <n>', "another version of ONNX's operators, 7 to 26, with the same outputs", count)
    .option('--external-data', 'put the weights into a file beside the model')
    .option('--inline', 'put all weights into the model')
    .option('--weights <file>', 'other data for initializers of the same names: a checkpoint, safetensors, or a model')
    .option('--partial', 'with --weights: take what fits')
    .addOption(CHECKPOINT_OPTIONS.entry)
    .addOption(CHECKPOINT_OPTIONS.prefix)
    .addOption(
      new Option(
        '--state-dict <form>',
        "a fused model of cnnx build's under PyTorch's names: with biases, or for the ordinary torchvision network",
      ).choices(['deploy', 'torchvision']),
    )
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      '\nAnother batch is run before it is written: unlike samples together, in two orders, against each alone.' +
        '\nExit code: 0 written, 1 the model cannot have that size or its samples mix, 3 it cannot be run here; nothing is written then.' +
        '\n\nExample:\n  cnnx convert resnet50.onnx -o resnet50-n.onnx --batch n --external-data',
    )
    .action(async (path: string, o: Options) => {
      if (o.stateDict !== undefined || o.out.endsWith('.safetensors')) return toSafetensors(path, o);
      const model = await openModel(path);
      await checkOutput(o.out);
      const weights = o.weights === undefined ? undefined : await replace(model, o.weights, o);
      const proof = await changeSizes(model, o);
      const images = o.imagesIn === undefined ? undefined : await putImagesIn(model, o);
      if (images?.proof?.holds === false) {
        if (o.json && o.out !== '-') await io.report('convert', { imagesIn: images });
        io.note('nothing was written');
        return;
      }
      const { model: edited, done } = operate(model, o);
      const converted = o.opset === undefined ? undefined : await toOpset(edited, o.opset, o.verify);
      if (o.opset !== undefined && !converted) return;
      const saved = await saveModel(converted?.model ?? edited, o.out, {
        weights: o.externalData ? 'side' : o.inline ? 'inline' : undefined,
        onProgress: writing(o.out),
      });
      const beside = saved.side === undefined ? '' : `, weights in ${saved.side}`;
      const why = saved.tooLarge ? ' (larger than one protobuf file may be)' : '';
      if (o.json && o.out !== '-') {
        const opset = converted && { ...converted.report, check: converted.check };
        await io.report('convert', {
          file: saved.path,
          side: saved.side,
          tooLarge: saved.tooLarge,
          ...(weights && { weights }),
          ...(proof && { proof }),
          ...(images && { imagesIn: images }),
          ...(opset && { opset }),
          ...(done.length > 0 && { done }),
        });
        return;
      }
      for (const line of done) io.printBeside(o.out, line);
      if (converted) io.printBeside(o.out, opsetText(converted));
      io.printBeside(o.out, `written: ${saved.path}${beside}${why}`);
    });

/** Options that say how a model is written; weights alone have neither graph nor dimensions. */
const MODEL_ONLY = [
  'batch',
  'dim',
  'opset',
  'externalData',
  'inline',
  'weights',
  'imagesIn',
  'expose',
  'strip',
  'inlineFunctions',
  'dedupe',
] as const;

async function toSafetensors(path: string, o: Options): Promise<void> {
  const stray = MODEL_ONLY.find((key) => o[key] !== undefined);
  if (stray !== undefined || !o.out.endsWith('.safetensors')) {
    throw new CnnxError(
      'cli/usage',
      stray === undefined
        ? `--state-dict writes safetensors, and ${o.out} is not called that`
        : `--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for models, and safetensors holds weights only`,
      {
        hint:
          stray === undefined
            ? 'name a file with --out that ends in .safetensors'
            : 'leave it out, or write an ONNX file',
      },
    );
  }
  const written = await writeStateDict(path, o.out, o);
  if (o.json) await io.report('convert', { file: written.path, tensors: written.tensors, bytes: written.bytes });
  else io.print(`written: ${written.path}, ${written.tensors} tensors, ${written.bytes} bytes`);
}

async function replace(model: Model, path: string, { partial, entry, prefix }: Options): Promise<ReplaceReport> {
  const report = replaceInitializers(model, await openCheckpoint(path, { entry }), { partial, prefix });
  const name = path === '-' ? 'standard input' : basename(path);
  for (const note of report.notes) io.note(`${name}: ${note}`);
  io.note(`${report.replaced} initializers have the data of ${name}, ${report.kept.length} stay as they were`);
  if (report.unused.length > 0)
    io.warn(`${report.unused.length} tensors of ${name} do not fit: ${report.unused.join(', ')}`);
  return report;
}
