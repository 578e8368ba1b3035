import type Sharp from 'sharp';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Image } from '../../tensor/image.js';
import { FileSource } from './file-source.js';

/** A few photographs of 100 megapixels exist; a PNG of 30,000 x 30,000 black pixels takes 100 KB and 2.7 GB. */
const MAX_PIXELS = 100e6;

/** Nobody sends a photograph larger than this. */
const MAX_BYTES = 512 * 2 ** 20;

/** Reads an image file: see `decodeImage`. Throws `io/*` and `image/*`. */
export async function readImage(path: string): Promise<Image> {
  const source = new FileSource(path);
  try {
    if (source.size > MAX_BYTES) throw refusal(path)(`${source.size} bytes; at most ${MAX_BYTES} are read`);
    return await decodeImage(source.read(0, source.size), path);
  } finally {
    source.close();
  }
}

/**
 * Decodes a JPEG, PNG or WebP to what Pillow's `convert('RGB')` gives, on which networks are trained: as it stands, whatever its EXIF data say
 * of rotation; no colour management; transparency dropped. `name` is for errors. Throws `image/*`.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<Image> {
  const refuse = refusal(name);
  const sharp = await loadSharp();
  try {
    if (!isImage(bytes)) throw refuse('it is no JPEG, PNG or WebP', 'convert it to one of these');
    const { space, width: columns, height: rows } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (columns * rows > MAX_PIXELS)
      throw refuse(`${columns} x ${rows} pixels; at most ${MAX_PIXELS} are read`, 'make it smaller first');
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'warning', ignoreIcc: true });
    const inks = space === 'cmyk';
    const coloured = inks
      ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
      : image.toColourspace('srgb').removeAlpha();
    const { data, info } = await coloured.raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { width, height, data: inks ? fromInks(data) : asRgb(data, channels) };
  } catch (error) {
    if (error instanceof CnnxError) throw error;
    throw refuse(printable(wordsOf(error), 200));
  }
}

const refusal =
  (name: string) =>
  (why: string, hint?: string): CnnxError =>
    new CnnxError('image/unreadable', `cannot read ${printable(name)} as an image: ${why}`, {
      at: { file: name },
      hint,
    });

/**
 * What the decoder says. Of a header it adds what stands in a buffer that all threads share, which differs from one time to the next, and is said
 * several times over; so of that the first words only.
 */
function wordsOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.replace(/^(Input buffer has corrupt header):.*$/, '$1');
}

/** By its first bytes: sharp reads many more formats, and some of those (SVG) are programs. */
function isImage(bytes: Uint8Array): boolean {
  const text = (at: number, end: number): string => String.fromCharCode(...bytes.subarray(at, end));
  return (
    text(0, 3) === '\xff\xd8\xff' ||
    text(0, 8) === '\x89PNG\r\n\x1a\n' ||
    (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP')
  );
}

/** Cyan, magenta, yellow and black as red, green and blue, each ink taking its share of the light. */
function fromInks(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.floor(i / 3) * 4;
    const ink = data[pixel + (i % 3)] ?? 0;
    const black = data[pixel + 3] ?? 0;
    out[i] = Math.round(((255 - ink) * (255 - black)) / 255);
  }
  return out;
}

function asRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0; i < out.length; i++) out[i] = data[Math.floor(i / 3) * channels] ?? 0;
  return out;
}

async function loadSharp(): Promise<typeof Sharp> {
  try {
    const { default: sharp } = await import('sharp');
    // Nothing is decoded twice, and of many images each has a thread of its own.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  } catch (error) {
    throw new CnnxError('image/no-decoder', 'images are read with sharp, an optional package that is not installed', {
      hint: 'npm install sharp',
      cause: error,
    });
  }
}
