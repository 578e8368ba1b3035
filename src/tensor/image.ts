import { CnnxError } from '../base/errors.js';
import { fromFloat64, type Tensor } from './tensor.js';

/** Eight bits a channel, red, green and blue next to each other, row by row. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** height x width x 3. */
  readonly data: Uint8Array;
}

export type Interpolation = 'nearest' | 'bilinear' | 'bicubic';

interface Filter {
  readonly support: number;
  readonly at: (x: number) => number;
}

/** Keys' cubic with a = -0.5, as Pillow has it. */
const A = -0.5;

const FILTERS: Readonly<Record<'bilinear' | 'bicubic', Filter>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    at: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
    },
  },
};

/** Weights are integers of so many binary places: 8 bits of colour, a sign and some headroom fill up 32. */
const PRECISION = 22;

/** A part of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** 300 MB: a network takes less than a megapixel, so what needs more is a mistake, or meant to do harm. */
const MAX_PIXELS = 100e6;

/**
 * Resizes as Pillow does, on which torchvision's published accuracies rest: when shrinking, the filter is widened to cover all pixels (no aliasing);
 * weights are fixed-point numbers; rows first, rounded to 8 bits, then columns. Facts: Pillow's Resample.c. Of the new image only `box` is
 * computed: the middle of a long strip does not cost the strip. Throws `image/size`.
 */
export function resize(
  image: Image,
  width: number,
  height: number,
  interpolation: Interpolation = 'bilinear',
  box: Box = { left: 0, top: 0, width, height },
): Image {
  if (interpolation === 'nearest') return nearest(image, width, height, box);
  const filter = FILTERS[interpolation];
  const needed = linesFor(image.height, height, filter, box.top, box.height);
  affordable(image, width, height, box.width * Math.max(box.height, needed.count));
  const strip = lines(image, needed.first, needed.count);
  const narrow = transpose(resizeLines(transpose(strip), image.width, width, filter, 0, box.left, box.width));
  return resizeLines(narrow, image.height, height, filter, needed.first, box.top, box.height);
}

function affordable(image: Image, width: number, height: number, pixels: number): void {
  if (pixels > MAX_PIXELS)
    throw new CnnxError(
      'image/size',
      `making an image of ${image.width} x ${image.height} pixels ${width} x ${height} needs ${pixels} pixels at once; at most ${MAX_PIXELS}`,
      { hint: 'choose other sizes with --resize and --crop' },
    );
}

const lines = ({ width, data }: Image, first: number, count: number): Image => ({
  width,
  height: count,
  data: data.subarray(first * width * 3, (first + count) * width * 3),
});

/** Which of `from` old lines the `count` new ones from `start` on are made of, where all would make `to`. */
function linesFor(
  from: number,
  to: number,
  filter: Filter,
  start: number,
  count: number,
): { first: number; count: number } {
  if (from === to) return { first: start, count };
  const { first } = window(start, from, to, filter);
  const last = window(start + count - 1, from, to, filter);
  return { first, count: last.first + last.weights.length - first };
}

/** Along the height: every new line is a weighted sum of old ones, of which the image holds those from `first` on. */
function resizeLines(
  image: Image,
  from: number,
  to: number,
  filter: Filter,
  first: number,
  start: number,
  count: number,
): Image {
  if (from === to) return lines(image, start - first, count);
  const size = image.width * 3;
  const data = new Uint8Array(size * count);
  const sums = new Int32Array(size);
  for (let y = 0; y < count; y++) {
    const mix = window(start + y, from, to, filter);
    sums.fill(1 << (PRECISION - 1));
    mix.weights.forEach((w, k) => {
      const at = (mix.first - first + k) * size;
      for (let i = 0; i < size; i++) sums[i] = (sums[i] ?? 0) + w * (image.data[at + i] ?? 0);
    });
    for (let i = 0; i < size; i++) data[y * size + i] = Math.min(255, Math.max(0, (sums[i] ?? 0) >> PRECISION));
  }
  return { width: image.width, height: count, data };
}

/** Which old pixels make up new pixel `i`, and how much of each. */
function window(i: number, from: number, to: number, filter: Filter): { first: number; weights: readonly number[] } {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const centre = (i + 0.5) * scale;
  const reach = filter.support * stretch;
  const first = Math.max(0, Math.trunc(centre - reach + 0.5));
  const end = Math.min(from, Math.trunc(centre + reach + 0.5));
  const raw = Array.from({ length: end - first }, (_, k) => filter.at((first + k - centre + 0.5) / stretch));
  const sum = raw.reduce((s, w) => s + w, 0);
  return { first, weights: raw.map((w) => roundAway((w / sum) * 2 ** PRECISION)) };
}

const roundAway = (x: number): number => Math.trunc(x < 0 ? x - 0.5 : x + 0.5);

function nearest(image: Image, width: number, height: number, box: Box): Image {
  affordable(image, width, height, box.width * box.height);
  const data = new Uint8Array(box.width * box.height * 3);
  for (let y = 0; y < box.height; y++) {
    const row = Math.floor(((box.top + y + 0.5) * image.height) / height) * image.width;
    for (let x = 0; x < box.width; x++) {
      const at = (row + Math.floor(((box.left + x + 0.5) * image.width) / width)) * 3;
      data.set(image.data.subarray(at, at + 3), (y * box.width + x) * 3);
    }
  }
  return { width: box.width, height: box.height, data };
}

function transpose(image: Image): Image {
  const { width, height } = image;
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[(x * height + y) * 3 + c] = image.data[(y * width + x) * 3 + c] ?? 0;
  return { width: height, height: width, data };
}

/** The size of an image whose shorter side becomes `side`; the other is cut to whole pixels, as torchvision does. */
export function fitShorterSide(image: Image, side: number): { width: number; height: number } {
  const { width, height } = image;
  return width <= height
    ? { width: side, height: Math.trunc((side * height) / width) }
    : { width: Math.trunc((side * width) / height), height: side };
}

/** Where the middle `side` x `side` pixels start, below 0 where there are fewer. Halves are rounded to even, as Python does. */
export const centre = (size: number, side: number): number => roundEven((size - side) / 2);

/** The middle `side` x `side` pixels, black where there are none. */
export function cropCentre(image: Image, side: number): Image {
  affordable(image, side, side, side * side);
  const top = centre(image.height, side);
  const left = centre(image.width, side);
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const fromY = y + top;
      const fromX = x + left;
      if (fromY < 0 || fromX < 0 || fromY >= image.height || fromX >= image.width) continue;
      const at = (fromY * image.width + fromX) * 3;
      data.set(image.data.subarray(at, at + 3), (y * side + x) * 3);
    }
  }
  return { width: side, height: side, data };
}

function roundEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Images of one size as a tensor N,C,H,W: scaled to 0..1, less `mean`, divided by `std`, by channel. With one value in `mean` the image is grey first
 * (the luma of ITU-R 601). Throws `tensor/size` when they are not of one size.
 */
export function imageTensor(
  images: readonly Image[],
  mean: readonly number[],
  std: readonly number[],
  dtype: 'float32' | 'float16' = 'float32',
): Tensor {
  const [{ width, height } = { width: 0, height: 0 }] = images;
  const channels = mean.length;
  const plane = width * height;
  const values = new Float64Array(images.length * channels * plane);
  images.forEach((image, n) => {
    if (image.width !== width || image.height !== height)
      throw new CnnxError(
        'tensor/size',
        `images of ${width} x ${height} and of ${image.width} x ${image.height} pixels in one batch`,
      );
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < plane; i++)
        values[(n * channels + c) * plane + i] = (sample(image, i, c, channels) / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  });
  return fromFloat64(dtype, [images.length, channels, height, width], values);
}

function sample(image: Image, pixel: number, channel: number, channels: number): number {
  const at = pixel * 3;
  if (channels === 3) return image.data[at + channel] ?? 0;
  const [r = 0, g = 0, b = 0] = image.data.subarray(at, at + 3);
  return Math.round((r * 299 + g * 587 + b * 114) / 1000);
}
