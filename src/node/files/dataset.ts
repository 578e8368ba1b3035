import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { isIdx, readIdx } from '../../formats/idx.js';
import { isNpy, readNpy } from '../../formats/npy.js';
import type { Dataset, Example } from '../../running/dataset.js';
import { bytesOf, elementCount } from '../../tensor/dtype.js';
import type { Image } from '../../tensor/image.js';
import { asFloat64, isNumeric, type Tensor, tensor } from '../../tensor/tensor.js';
import { FileSource } from './file-source.js';
import { readImage } from './image-file.js';
import { withIo } from './io-error.js';

/** How the items of a dataset become inputs of a model. */
export interface DatasetOptions {
  /** The input that they are for, and its number of axes, the batch among them. */
  readonly input: string;
  readonly rank: number;
  /** An image as that input; without it only arrays can be read. */
  readonly fromImage?: ((image: Image) => Tensor) | undefined;
  /** Classes: an IDX or .npy file of integers, in the order of the items. */
  readonly truth?: string | undefined;
}

/** What a decompressed IDX file may take: MNIST's take 47 MB. */
const MAX_BYTES = 1 << 30;

const refuse = (path: string, what: string, hint: string): CnnxError =>
  new CnnxError('data/unreadable', `${printable(path)} ${what}`, { at: { file: path }, hint });

/**
 * Examples for a model: a folder of images or of .npy files, an IDX file of grey images (also gzipped), or an .npy file of a batch. Throws
 * `data/unreadable` for anything else, and `io/*`.
 */
export function openDataset(path: string, options: DatasetOptions): Dataset {
  const labels = options.truth === undefined ? undefined : readClasses(options.truth);
  const data = withIo(path, 'read', () => statSync(path)).isDirectory()
    ? openFolder(path, options, labels)
    : openArray(path, options, labels);
  if (data.count === 0) throw refuse(path, 'holds no images and no .npy files', 'name a folder of JPEGs, PNGs or .npy');
  if (labels && labels.length !== data.count)
    throw refuse(
      options.truth ?? '',
      `has ${labels.length} classes for ${data.count} items`,
      'one class for each item, in their order',
    );
  return data;
}

type Classes = readonly number[] | undefined;

function openFolder(path: string, options: DatasetOptions, labels: Classes): Dataset {
  const all = withIo(path, 'read', () => readdirSync(path, { recursive: true, encoding: 'utf8' })).sort();
  const images = all.filter((f) => /\.(jpe?g|png|webp)$/i.test(f));
  const arrays = all.filter((f) => /\.npy$/i.test(f));
  const files = images.length > 0 ? images : arrays;
  const read = async (file: string): Promise<Tensor> => {
    const full = join(path, file);
    if (images.length === 0) return batched(full, readArray(full), options.rank);
    return toInput(full, await readImage(full), options);
  };
  return {
    count: files.length,
    description: `${files.length} ${images.length > 0 ? 'images' : '.npy files'} of ${path}`,
    item: async (index): Promise<Example> => {
      const file = files[index] ?? '';
      return { name: file, feeds: new Map([[options.input, await read(file)]]), label: labels?.[index] };
    },
  };
}

function openArray(path: string, options: DatasetOptions, labels: Classes): Dataset {
  const array = readArray(path);
  const [count = 0, ...rest] = array.shape;
  const picture = array.dtype === 'uint8' && rest.length === 2;
  const take = (index: number): Tensor => {
    const size = bytesOf(array.dtype, elementCount(rest));
    const part = tensor(array.dtype, rest, array.bytes().subarray(index * size, (index + 1) * size));
    return picture ? toInput(path, greyImage(part), options) : batched(path, part, options.rank);
  };
  return {
    count,
    description: `${count} ${picture ? 'grey images' : 'tensors'} of ${path}`,
    item: (index) =>
      Promise.resolve({
        name: `${path}[${index}]`,
        feeds: new Map([[options.input, take(index)]]),
        label: labels?.[index],
      }),
  };
}

function greyImage(t: Tensor): Image {
  const [height = 0, width = 0] = t.shape;
  const data = new Uint8Array(width * height * 3);
  t.bytes().forEach((v, i) => data.fill(v, 3 * i, 3 * i + 3));
  return { width, height, data };
}

function toInput(path: string, image: Image, { fromImage, input }: DatasetOptions): Tensor {
  if (fromImage) return fromImage(image);
  throw refuse(path, `is an image, and the input ${printable(input)} takes none`, 'give .npy files of that input');
}

/** An array as the model takes it: as it is, or with a batch of 1 before it. */
function batched(path: string, t: Tensor, rank: number): Tensor {
  if (t.shape.length === rank) return t;
  if (t.shape.length + 1 === rank) return tensor(t.dtype, [1, ...t.shape], t.bytes());
  throw refuse(path, `holds ${t.dtype}[${t.shape.join(',')}]`, `the input takes ${rank} axes, or all but the batch`);
}

/** The classes in a file. */
function readClasses(path: string): readonly number[] {
  const array = readArray(path);
  if (array.shape.length !== 1 || !isNumeric(array.dtype))
    throw refuse(path, `holds ${array.dtype}[${array.shape.join(',')}]`, 'one integer for each item');
  return Array.from(asFloat64(array));
}

function readArray(path: string): Tensor {
  const bytes = readAll(path);
  try {
    if (isNpy(bytes)) return readNpy(bytes);
    if (isIdx(bytes)) return readIdx(bytes);
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file: path }) : error;
  }
  throw refuse(path, 'is neither an IDX nor an .npy file', 'name a folder of images, an IDX file or an .npy file');
}

/** A whole file, decompressed where it is a gzip. */
function readAll(path: string): Uint8Array {
  const source = new FileSource(path);
  try {
    if (source.size > MAX_BYTES) throw refuse(path, `has ${source.size} bytes`, `at most ${MAX_BYTES} are read`);
    const bytes = source.read(0, source.size);
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
    } catch (error) {
      throw refuse(
        path,
        `is a damaged gzip file: ${error instanceof Error ? error.message : String(error)}`,
        'download it again',
      );
    }
  } finally {
    source.close();
  }
}
