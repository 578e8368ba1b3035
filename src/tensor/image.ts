import { CnnxError } from '../base/errors.js';

/** Eight bits a channel, red, green and blue next to each other, row by row. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** height x width x 3. */
  readonly data: Uint8Array;
}

/** How pixels are mixed when an image is resized: Pillow's filters of these names. */
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
  affordable(image, width, height, box.width * Math.max(box.height, needed));
  const rows = taps(image.height, height, filter, box.top, box.height);
  const strip = lines(image, rows.start, rows.end - rows.start);
  const narrow = mixColumns(strip, taps(image.width, width, filter, box.left, box.width));
  return mixRows(narrow, rows);
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

/** How many of `from` old lines the `count` new ones from `at` on are made of, where all would make `to`. */
function linesFor(from: number, to: number, filter: Filter, at: number, count: number): number {
  if (from === to) return count;
  const last = window(at + count - 1, from, to, filter);
  return last.first + last.weights.length - window(at, from, to, filter).first;
}

/** Of which old lines (rows, or columns) new ones are made, and of how much of each, in fixed point. */
interface Taps {
  /** Lines as they are: old line `start` is the first new one. */
  readonly unchanged: boolean;
  /** The first old line that any new one needs, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** By new line: its first old line. */
  readonly first: Int32Array;
  /** By new line: how many old lines. */
  readonly count: Int32Array;
  /** By new line: `most` weights, of which `count` are used. */
  readonly weights: Int32Array;
  readonly most: number;
}

/** Tables that were made last: images of one data set often have one size. */
const MADE_TAPS = new Map<string, Taps>();
const MOST_TAPS = 16;

/** For the `count` new lines from `at` on, where `from` old lines would make `to` in all. */
function taps(from: number, to: number, filter: Filter, at: number, count: number): Taps {
  const key = `${from} ${to} ${filter.support} ${at} ${count}`;
  const found = MADE_TAPS.get(key) ?? makeTaps(from, to, filter, at, count);
  MADE_TAPS.delete(key);
  MADE_TAPS.set(key, found);
  if (MADE_TAPS.size > MOST_TAPS) for (const oldest of [...MADE_TAPS.keys()].slice(0, 1)) MADE_TAPS.delete(oldest);
  return found;
}

function makeTaps(from: number, to: number, filter: Filter, at: number, count: number): Taps {
  const windows = from === to ? [] : Array.from({ length: count }, (_, i) => window(at + i, from, to, filter));
  const most = windows.reduce((m, w) => Math.max(m, w.weights.length), 0);
  const weights = new Int32Array(most * windows.length);
  windows.forEach((w, i) => weights.set(w.weights, i * most));
  const last = windows.at(-1);
  return {
    unchanged: from === to,
    start: windows[0]?.first ?? at,
    end: last ? last.first + last.weights.length : at + count,
    first: Int32Array.from(windows, (w) => w.first),
    count: Int32Array.from(windows, (w) => w.weights.length),
    weights,
    most,
  };
}

/**
 * What `resize` does along one axis, as a table: row i has how much of each of `from` old lines new line `at + i` is made of, where all would make
 * `to`. The entries are whole multiples of 2^-22.
 */
export function resizeTable(
  from: number,
  to: number,
  interpolation: 'bilinear' | 'bicubic',
  at: number,
  count: number,
): Float64Array {
  const { first, weights, most, unchanged, ...t } = taps(from, to, FILTERS[interpolation], at, count);
  const table = new Float64Array(count * from);
  for (let i = 0; i < count; i++) {
    if (unchanged) table[i * from + at + i] = 1;
    for (let k = 0; k < (t.count[i] ?? 0); k++)
      table[i * from + (first[i] ?? 0) + k] = (weights[i * most + k] ?? 0) / 2 ** PRECISION;
  }
  return table;
}

/** Which old line becomes new line `i` of `to`, without mixing. */
export const nearestLine = (i: number, from: number, to: number): number => Math.floor(((i + 0.5) * from) / to);

/** A half in fixed point, so that cutting off rounds. */
const HALF = 1 << (PRECISION - 1);

/** Along the width: every new column is a weighted sum of old ones. */
function mixColumns(image: Image, { unchanged, start, first, count, weights, most, end }: Taps): Image {
  const { data: from, height } = image;
  if (unchanged) return columns(image, start, end - start);
  const width = first.length;
  const data = new Uint8Array(width * height * 3);
  // Clips what is stored.
  const clipped = new Uint8ClampedArray(data.buffer);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let pixel = (y * image.width + (first[x] ?? 0)) * 3;
      const last = x * most + (count[x] ?? 0);
      for (let k = x * most; k < last; k++) {
        const w = weights[k] ?? 0;
        r = (r + Math.imul(w, from[pixel] ?? 0)) | 0;
        g = (g + Math.imul(w, from[pixel + 1] ?? 0)) | 0;
        b = (b + Math.imul(w, from[pixel + 2] ?? 0)) | 0;
        pixel += 3;
      }
      clipped[at] = r >> PRECISION;
      clipped[at + 1] = g >> PRECISION;
      clipped[at + 2] = b >> PRECISION;
      at += 3;
    }
  }
  return { width, height, data };
}

/** Along the height: every new row is a weighted sum of old ones; the image holds those from `start` on. */
function mixRows(image: Image, { unchanged, start, first, count, weights, most, end }: Taps): Image {
  if (unchanged) return lines(image, 0, end - start);
  const { data: from, width } = image;
  const height = first.length;
  const size = width * 3;
  const data = new Uint8Array(size * height);
  const clipped = new Uint8ClampedArray(data.buffer);
  const sums = new Int32Array(size);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < (count[y] ?? 0); k++) {
      const w = weights[y * most + k] ?? 0;
      const at = ((first[y] ?? 0) - start + k) * size;
      for (let i = 0; i < size; i++) sums[i] = ((sums[i] ?? 0) + Math.imul(w, from[at + i] ?? 0)) | 0;
    }
    const to = y * size;
    for (let i = 0; i < size; i++) clipped[to + i] = (sums[i] ?? 0) >> PRECISION;
  }
  return { width, height, data };
}

function columns(image: Image, first: number, count: number): Image {
  const { width, height, data } = image;
  if (first === 0 && count === width) return image;
  const out = new Uint8Array(count * height * 3);
  for (let y = 0; y < height; y++)
    out.set(data.subarray((y * width + first) * 3, (y * width + first + count) * 3), y * count * 3);
  return { width: count, height, data: out };
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
    const row = nearestLine(box.top + y, image.height, height) * image.width;
    for (let x = 0; x < box.width; x++) {
      const at = (row + nearestLine(box.left + x, image.width, width)) * 3;
      data.set(image.data.subarray(at, at + 3), (y * box.width + x) * 3);
    }
  }
  return { width: box.width, height: box.height, data };
}

/** The size of an image whose shorter side becomes `side`; the other is cut to whole pixels, as torchvision does. */
export function fitShorterSide(image: Image, side: number): { width: number; height: number } {
  const { width, height } = image;
  return width <= height
    ? { width: side, height: Math.trunc((side * height) / width) }
    : { width: Math.trunc((side * width) / height), height: side };
}

/** Where the middle `side` of `size` pixels start, below 0 where there are fewer; halves are rounded as torchvision's center_crop does. */
export const centre = (size: number, side: number): number =>
  size < side ? -Math.floor((side - size) / 2) : roundEven((size - side) / 2);

/** The middle `side` x `side` pixels, black where there are none. */
export function cropCentre(image: Image, side: number): Image {
  affordable(image, side, side, side * side);
  const { width, height } = image;
  if (width === side && height === side) return image;
  const top = centre(height, side);
  const left = centre(width, side);
  const first = Math.max(0, left);
  const count = Math.min(width - first, side);
  const data = new Uint8Array(side * side * 3);
  for (let y = Math.max(0, -top); y < Math.min(side, height - top); y++) {
    const from = ((y + top) * width + first) * 3;
    data.set(image.data.subarray(from, from + count * 3), (y * side + first - left) * 3);
  }
  return { width: side, height: side, data };
}

function roundEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
