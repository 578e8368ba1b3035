import { type Command, InvalidArgumentError, Option } from 'commander';
import { CnnxError } from '../base/errors.js';
import { cloneModel } from '../graph/clone.js';
import type { Model } from '../graph/ir.js';
import { readImage } from '../node/files/image-file.js';
import { startRunner } from '../node/machine/process-runner.js';
import { type ImagesIn, imagesIn, type ImagesInReport, type ImageSource } from '../passes/images-in.js';
import { portsOf } from '../running/required-inputs.js';
import { PATIENT } from '../running/runner.js';
import { type ImagesInProof, madeImages, type NamedImage, proveImagesIn } from '../tasks/prove-images-in.js';
import { prepareImage } from '../tensor/preprocess.js';
import { io } from './io.js';
import { count } from './options.js';
import { imagePlan, preprocessOptions, type PreprocessOptions } from './preprocess-options.js';

export interface ImagesInOptions extends PreprocessOptions {
  readonly imagesIn?: 'uint8';
  readonly sourceSize?: ImageSource;
  readonly image?: readonly string[];
  readonly verify: boolean;
}

export const imagesInOptions = (command: Command): Command =>
  preprocessOptions(
    command
      .addOption(
        new Option(
          '--images-in <type>',
          'put resizing, crop and normalisation into the graph: the input becomes N,H,W,3',
        ).choices(['uint8']),
      )
      .option(
        '--source-size <size>',
        'of the images that come: HEIGHT,WIDTH, any, or network (resized already)',
        source,
      )
      .option('--image <files...>', 'with --images-in: compare on these images; on made ones if left out'),
  );

function source(text: string): ImageSource {
  if (text === 'any' || text === 'network') return text;
  const [height, width, more] = text.split(',').map(count);
  if (height === undefined || width === undefined || more !== undefined)
    throw new InvalidArgumentError('HEIGHT,WIDTH, any or network.');
  return { height, width };
}

export interface ImagesInResult extends ImagesInReport {
  /** Absent where nothing could be run, or was not to be. */
  readonly proof?: ImagesInProof | undefined;
}

/** Puts the preprocessing into the model, and compares with the model as it was. A proof that fails sets exit code 1. */
export async function putImagesIn(model: Model, o: ImagesInOptions): Promise<ImagesInResult> {
  const { input, steps } = imagePlan(model, portsOf(model), o);
  const plan = { input, steps, source: o.sourceSize ?? 'any' };
  const original = cloneModel(model);
  const report = imagesIn(model, plan);
  const proof = o.verify ? await prove(original, model, { ...plan, pixels: report.pixels }, o.image ?? []) : undefined;
  if (proof) io.note(proofText(proof));
  if (proof?.holds === false) io.fail(1);
  return { ...report, proof };
}

async function prove(
  original: Model,
  converted: Model,
  plan: ImagesIn & { readonly pixels: string },
  files: readonly string[],
): Promise<ImagesInProof | undefined> {
  const images = files.length > 0 ? await readAll(files, plan.source) : madeImages(sizesFor(plan));
  const runner = startRunner(PATIENT);
  try {
    io.progress(`comparing on ${images.length} images`);
    return await proveImagesIn(original, converted, plan, images, runner);
  } catch (error) {
    if (!(error instanceof CnnxError) || error.exitCode !== 3) throw error;
    io.warn(`not compared: ${error.message}`);
    return undefined;
  } finally {
    runner.close();
  }
}

async function readAll(files: readonly string[], source: ImageSource): Promise<readonly NamedImage[]> {
  const out: NamedImage[] = [];
  for (const name of files) {
    const image = await readImage(name);
    const sized =
      typeof source === 'string'
        ? image
        : prepareImage(image, { resize: [source.height, source.width], interpolation: 'bilinear' });
    out.push({ name, image: sized });
  }
  return out;
}

/** Upright, lying, and smaller than any network takes. */
const ANY_SIZES = [
  { height: 480, width: 640 },
  { height: 401, width: 300 },
  { height: 75, width: 100 },
];

const sizesFor = ({ source }: ImagesIn): readonly { height: number; width: number }[] =>
  typeof source === 'string' ? ANY_SIZES : [source, source, source];

function proofText({ holds, why, images, pixels, outputs, top5 }: ImagesInProof): string {
  const worst = outputs.map(
    (o) => `${o.name} ${o.rmsRelative.toExponential(1)} (${o.allowed.toExponential(1)} allowed)`,
  );
  const lines = [
    `${holds ? 'same' : 'NOT the same'} on ${images.length} images: ${pixels.different} of ${pixels.of} pixels differ, by ${pixels.largest} of 255 at most`,
    `outputs on equal pixels, RMS-relative: ${worst.join(', ')}`,
    ...(top5 ? [`five best classes the same on ${top5.same} of ${top5.of}`] : []),
    ...why.map((w) => `not the same: ${w}`),
  ];
  return lines.join('\n');
}
