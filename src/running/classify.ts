import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Image } from '../tensor/image.js';
import { imageTensor } from '../tensor/image-tensor.js';
import { type ImageSteps, prepareImage } from '../tensor/preprocess.js';
import { type Tensor, tensor } from '../tensor/tensor.js';
import { castFeeds } from './boundary-casts.js';
import type { ImageInput } from './image-inputs.js';
import { isImage } from './samples.js';
import type { Feeds, Session } from './session.js';

/** The input of a loaded model that takes images, and what is done with an image for it. */
export interface ImagePlan {
  readonly input: ImageInput;
  readonly steps: ImageSteps;
}

/** Images at a time where a model leaves that open: enough that handing them over is no cost, few enough that memory is none. */
const BATCH = 8;

/** How many images go through a model at once. One, where they go in as they come and may differ in size. */
export function batchFor({ input, steps }: ImagePlan, wanted?: number): number {
  if (input.batch !== undefined) return input.batch;
  const open = steps.resize === undefined && steps.crop === undefined && input.height === undefined;
  return open ? 1 : (wanted ?? BATCH);
}

/** One sample ready for one model: pixels of the size that it takes, or an array without a batch. */
export type Prepared = Image | Tensor;

/** Resizes and crops an image; an array has to fit as it is. Throws `image/size` and `runtime/input`. */
export function prepareSample(sample: Image | Tensor, { input, steps }: ImagePlan): Prepared {
  if (!isImage(sample)) return fitting(sample, input);
  const image = prepareImage(sample, steps);
  const { height = image.height, width = image.width } = input;
  if (image.height !== height || image.width !== width)
    throw new CnnxError(
      'image/size',
      `an image of ${image.width} x ${image.height} pixels (width, height), and the model takes ${width} x ${height}`,
      { hint: 'say with --resize and --crop how images become that size' },
    );
  return image;
}

function fitting(t: Tensor, input: ImageInput): Tensor {
  const shape = t.shape.length === 4 && t.shape[0] === 1 ? t.shape.slice(1) : t.shape;
  const { layout, channels, height, width } = input;
  const wanted = layout === 'nchw' ? [channels, height, width] : [height, width, channels];
  if (t.dtype !== input.dtype || shape.length !== 3 || shape.some((d, i) => wanted[i] !== undefined && wanted[i] !== d))
    throw new CnnxError(
      'runtime/input',
      `${t.dtype}[${t.shape.join(',')}], and the input ${printable(input.name)} takes ${input.dtype}[${wanted.map((d) => d ?? '?').join(',')}]`,
    );
  return tensor(t.dtype, shape, t.bytes());
}

/** Runs a model on samples of one size. A batch that the model fixes is filled up with the last of them. */
export function runBatch(session: Session, samples: readonly Prepared[], { input, steps }: ImagePlan): Promise<Feeds> {
  const last = samples.at(-1);
  const size = input.batch ?? samples.length;
  const filled = Array.from({ length: size }, (_, i) => samples[i] ?? last).filter((s) => s !== undefined);
  const images = filled.filter(isImage);
  const feed = images.length === filled.length ? imageTensor(images, steps, input) : stacked(filled.filter(isTensor));
  return session.run(castFeeds(new Map([[input.name, feed]])));
}

const isTensor = (p: Prepared): p is Tensor => !isImage(p);

function stacked(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (!first) throw new Error('bug: a batch of nothing');
  const data = new Uint8Array(first.byteLength * tensors.length);
  tensors.forEach((t, i) => data.set(t.bytes(), i * first.byteLength));
  return tensor(first.dtype, [tensors.length, ...first.shape], data);
}
