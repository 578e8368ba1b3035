import { basename } from 'node:path';
import { Option } from 'commander';
import { type Checkpoint } from '../builders/card.js';
import { chooseCheckpoint, impliedOptions, publishedCheckpoint } from '../weights/checkpoints.js';
import { type BindReport, bindWeights, type Built, openCheckpoint, pretrainedPath, type Variant } from '../index.js';
import { io } from './io.js';

export interface WeightOptions {
  readonly weights?: string;
  readonly pretrained?: string | true;
  readonly partial?: boolean;
  readonly entry?: string;
  readonly prefix?: string;
}

/** How the weights are found in a checkpoint: on every command that reads one. */
export const CHECKPOINT_OPTIONS = {
  entry: new Option(
    '--entry <key>',
    'of a checkpoint with several sets of weights: the key of the one to take, as in model_ema',
  ),
  prefix: new Option('--prefix <text>', 'take the tensors whose names begin so, without it, as in model. or backbone.'),
};

export const WEIGHT_OPTIONS = [
  CHECKPOINT_OPTIONS.entry,
  CHECKPOINT_OPTIONS.prefix,
  new Option('--weights <file>', 'trained weights: a PyTorch checkpoint, safetensors, or an ONNX model').conflicts(
    'pretrained',
  ),
  new Option(
    '--pretrained [name]',
    "the published weights, from the user's cache or downloaded; the newest if several",
  ),
  new Option(
    '--partial',
    'take the weights that fit, and leave the rest as --init has it; without it, weights that do not fit are refused',
  ),
];

/** Trained weights that were asked for: where they are, and which published ones they are, if they are. */
export interface Trained {
  readonly path: string;
  readonly checkpoint: Checkpoint | undefined;
}

/** Finds them, downloading if need be; undefined if none were asked for. */
export async function findTrained(variant: Variant, o: WeightOptions): Promise<Trained | undefined> {
  if (o.weights !== undefined)
    return { path: o.weights, checkpoint: publishedCheckpoint(variant, basename(o.weights)) };
  if (o.pretrained === undefined) return undefined;
  const checkpoint = chooseCheckpoint(variant, o.pretrained === true ? undefined : o.pretrained);
  const path = await pretrainedPath(checkpoint, {
    onProgress: (done, total) => io.progress(progressText(checkpoint.file, done, total)),
  });
  return { path, checkpoint };
}

/** The variant and the options as the weights were trained with them, under what the user says. */
export function asTrained(
  variant: Variant,
  config: Readonly<Record<string, unknown>>,
  trained: Trained | undefined,
): { readonly variant: Variant; readonly config: Readonly<Record<string, unknown>> } {
  const checkpoint = trained?.checkpoint;
  if (!checkpoint) return { variant, config };
  const implied = impliedOptions(checkpoint, config);
  for (const warning of implied.warnings) io.warn(warning);
  return { variant: { ...variant, preprocess: checkpoint.preprocess ?? variant.preprocess }, config: implied.config };
}

/** Binds them, and says what is not plain. */
export async function bindTrained(built: Built, { path }: Trained, o: WeightOptions): Promise<BindReport> {
  const name = path === '-' ? 'standard input' : basename(path);
  const report = bindWeights(built, await openCheckpoint(path, { entry: o.entry }), {
    partial: o.partial,
    prefix: o.prefix,
    name,
  });
  for (const note of report.notes) io.note(`${name}: ${note}`);
  for (const [dtype, n] of report.converted) {
    io.note(
      `${n} tensors of ${name} are ${dtype}; they become float32${dtype === 'float64' ? ', rounded' : ' exactly'}`,
    );
  }
  if (report.ignored.length > 0) {
    io.note(
      `${report.ignored.length} tensors of auxiliary classifiers are not used: the network is built without them`,
    );
  }
  const random = report.mismatches.filter((m) => m.problem !== 'unexpected').map((m) => m.name);
  if (random.length > 0)
    io.warn(`${random.length} of ${built.stateDict.length} entries stay as they start: ${random.join(', ')}`);
  const unused = report.mismatches.filter((m) => m.problem === 'unexpected').map((m) => m.name);
  if (unused.length > 0) io.warn(`${unused.length} tensors of ${name} are not used: ${unused.join(', ')}`);
  return report;
}

const MB = 1e6;
const BAR = 24;

function progressText(file: string, done: number, total: number | undefined): string {
  const amount = `${(done / MB).toFixed(1)} MB`;
  if (total === undefined || total === 0) return `${file}  ${amount}`;
  const filled = Math.min(BAR, Math.round((BAR * done) / total));
  return `${file}  [${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}]  ${amount} of ${(total / MB).toFixed(1)} MB`;
}
