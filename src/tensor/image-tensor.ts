import { CnnxError } from '../base/errors.js';
import type { Image } from './image.js';
import type { ImageSteps } from './preprocess.js';
import { numberToHalf } from './half.js';
import { type Tensor, tensor } from './tensor.js';

/** The tensor that a model takes of images. */
export interface ImageForm {
  readonly dtype: 'float32' | 'float16' | 'uint8';
  readonly channels: 1 | 3;
  /** N,C,H,W or N,H,W,C. */
  readonly layout: Layout;
}

/** The order of the axes of images: N,C,H,W or N,H,W,C. */
export type Layout = 'nchw' | 'nhwc';

/** How pixels become elements. */
export type PixelSteps = Pick<ImageSteps, 'mean' | 'std' | 'scale' | 'channels'>;

/** Values that a pixel of eight bits can have. */
const LEVELS = 256;

/**
 * Images of one size as a tensor: each pixel times `scale`, less `mean`, divided by `std`, by channel, in float64 and rounded once; as it is
 * for uint8. Of one channel: the luma of ITU-R 601. Throws `tensor/size` when they are not of one size.
 */
export function imageTensor(images: readonly Image[], steps: PixelSteps, form: ImageForm): Tensor {
  const [{ width, height } = { width: 0, height: 0 }] = images;
  for (const image of images)
    if (image.width !== width || image.height !== height)
      throw new CnnxError(
        'tensor/size',
        `images of ${width} x ${height} and of ${image.width} x ${image.height} pixels in one batch`,
      );
  const { channels, layout, dtype } = form;
  const size = width * height * channels;
  const elements = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array }[dtype];
  const data = new elements(images.length * size);
  const levels = Array.from({ length: channels }, (_, c) => elements.from(levelsOf(c, steps, dtype)));
  images.forEach((image, n) => {
    const pixels = channels === 1 ? luma(image) : image.data;
    for (let c = 0; c < channels; c++) {
      const table = levels[c] ?? elements.of();
      const [at, step] = layout === 'nchw' ? [n * size + c * width * height, 1] : [n * size + c, channels];
      const colour = steps.channels === 'bgr' ? channels - 1 - c : c;
      for (let i = 0; i < width * height; i++) data[at + i * step] = table[pixels[i * channels + colour] ?? 0] ?? 0;
    }
  });
  const shape = layout === 'nchw' ? [channels, height, width] : [height, width, channels];
  return tensor(dtype, [images.length, ...shape], new Uint8Array(data.buffer));
}

/** What each of the 256 values becomes in a channel; for float16 as bits. */
function levelsOf(channel: number, { mean, std, scale }: PixelSteps, dtype: ImageForm['dtype']): readonly number[] {
  const values = Array.from({ length: LEVELS }, (_, v) => v);
  if (dtype === 'uint8') return values;
  const divisor = scale === undefined ? 255 : 1 / scale;
  const floats = values.map((v) => (v / divisor - (mean[channel] ?? 0)) / (std[channel] ?? 1));
  return dtype === 'float16' ? floats.map(numberToHalf) : floats;
}

/** One byte a pixel: red, green and blue in the shares of ITU-R 601. */
export function luma({ data }: Image): Uint8Array {
  const out = new Uint8Array(data.length / 3);
  for (let i = 0; i < out.length; i++) {
    const at = i * 3;
    out[i] = Math.round(((data[at] ?? 0) * 299 + (data[at + 1] ?? 0) * 587 + (data[at + 2] ?? 0) * 114) / 1000);
  }
  return out;
}
