import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { type Cifar, readCifar } from '../../formats/cifar.js';
import { readCsv } from '../../formats/csv.js';
import { readNpy } from '../../formats/npy.js';
import type { Label, Samples } from '../../running/samples.js';
import { bytesOf, elementCount } from '../../tensor/dtype.js';
import type { Image } from '../../tensor/image.js';
import { asFloat64, isNumeric, type Tensor, tensor } from '../../tensor/tensor.js';
import { arrayOf, readWhole, unreadable } from './array-file.js';
import { readImage } from './image-file.js';
import { withIo } from './io-error.js';

/** What torchvision's ImageFolder takes for images; what cannot be decoded is named when it is read. */
const IMAGE_FILE = /\.(jpe?g|png|ppm|bmp|pgm|tiff?|webp)$/i;
const ARRAY_FILE = /\.npy$/i;

/**
 * A data set: a folder of class folders (as torchvision's ImageFolder), a folder and a table of files and classes, an IDX file (MNIST's, also gzipped), an .npy file, or CIFAR's
 * binary files; `truth` has the classes of the latter kinds, or is the table. Throws `data/unreadable` and `io/*`.
 */
export function openSamples(path: string, truth?: string): Samples {
  const samples = withIo(path, 'read', () => statSync(path)).isDirectory()
    ? openFolder(path, truth)
    : openFile(path, truth);
  if (samples.count > 0) return samples;
  throw unreadable(
    path,
    'holds no images',
    'name a folder of JPEGs, PNGs, WebPs or .npy files, an IDX or an .npy file',
  );
}

function openFolder(folder: string, truth: string | undefined): Samples {
  if (truth !== undefined) return openTable(folder, truth);
  const cifar = ['test_batch.bin', 'test.bin'].map((name) => join(folder, name)).find(existsSync);
  if (cifar !== undefined) return openFile(cifar, undefined);
  const entries = withIo(folder, 'read', () => readdirSync(folder, { withFileTypes: true })).filter(
    (e) => !e.name.startsWith('.'),
  );
  const isFolder = (name: string): boolean =>
    statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const classes = entries
    .map((e) => e.name)
    .filter(isFolder)
    .sort();
  const files = classes.flatMap((name) =>
    withIo(join(folder, name), 'read', () => readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }))
      .filter((f) => isSample(f))
      .sort()
      .map((file) => ({ file: join(name, file), label: name })),
  );
  if (files.length > 0)
    return ofFiles(folder, files, `${files.length} images of ${classes.length} classes in ${folder}`, classes);
  const loose = entries
    .map((e) => e.name)
    .filter(isSample)
    .sort();
  return ofFiles(
    folder,
    loose.map((file) => ({ file, label: undefined })),
    `${loose.length} images in ${folder}`,
  );
}

const isSample = (file: string): boolean =>
  (IMAGE_FILE.test(file) || ARRAY_FILE.test(file)) && !file.split(/[\\/]/).some((part) => part.startsWith('.'));

interface Item {
  readonly file: string;
  readonly label: Label | undefined;
}

const ofFiles = (
  folder: string,
  items: readonly Item[],
  description: string,
  classes?: readonly string[],
): Samples => ({
  count: items.length,
  description,
  classes,
  name: (i) => items[i]?.file ?? '',
  label: (i) => items[i]?.label,
  read: (i) => readSample(join(folder, items[i]?.file ?? '')),
});

/** An image or an .npy file. */
async function readSample(path: string): Promise<Image | Tensor> {
  if (!ARRAY_FILE.test(path)) return readImage(path);
  try {
    return asPicture(readNpy(readWhole(path)));
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file: path }) : error;
  }
}

/** A table of files and classes: with a header or without, indices or names. */
function openTable(folder: string, truth: string): Samples {
  const rows = readCsv(new TextDecoder().decode(readWhole(truth)));
  const [head = []] = rows;
  const headed = !isSample(head[0] ?? '') && !existsSync(join(folder, head[0] ?? ''));
  const column = (pattern: RegExp, otherwise: number): number => {
    const found = headed ? head.findIndex((name) => pattern.test(name)) : -1;
    return found < 0 ? otherwise : found;
  };
  const file = column(/file|image|path/i, 0);
  const label = column(/class|label|target|synset|truth/i, file === 0 ? 1 : 0);
  const items = (headed ? rows.slice(1) : rows).map((row, i) => {
    const [name = '', text = ''] = [row[file], row[label]];
    if (name === '' || text === '')
      throw unreadable(
        truth,
        `has no file and class in row ${i + 1 + Number(headed)}`,
        'each row is a file, then its class',
      );
    return { file: name, label: /^\d+$/.test(text) ? Number(text) : text };
  });
  const names = [...new Set(items.flatMap((i) => (typeof i.label === 'string' ? i.label : [])))].sort();
  return ofFiles(
    folder,
    items,
    `${items.length} images of ${folder} by ${truth}`,
    names.length > 0 ? names : undefined,
  );
}

function openFile(path: string, truth: string | undefined): Samples {
  const bytes = readWhole(path);
  const array = arrayOf(path, bytes);
  if (array) return ofArray(path, array, truth === undefined ? undefined : readClasses(truth));
  const cifar = readCifar(bytes);
  if (cifar) return ofCifar(path, cifar);
  throw unreadable(path, 'is no IDX, .npy or CIFAR file', 'name a folder of images, or one of these');
}

function ofCifar(path: string, cifar: Cifar): Samples {
  const names = join(dirname(path), cifar.classes === 10 ? 'batches.meta.txt' : 'fine_label_names.txt');
  const lines = existsSync(names)
    ? readFileSync(names, 'utf8')
        .split(/\r?\n/)
        .filter((n) => n !== '')
    : [];
  return {
    count: cifar.count,
    description: `${cifar.count} images of CIFAR-${cifar.classes}, ${path}`,
    classes: lines.length === cifar.classes ? lines : undefined,
    name: (i) => `${path}[${i}]`,
    label: (i) => cifar.label(i),
    read: (i) => Promise.resolve({ width: cifar.side, height: cifar.side, data: cifar.pixels(i) }),
  };
}

function ofArray(path: string, array: Tensor, labels: readonly number[] | undefined): Samples {
  const [count = 0, ...rest] = array.shape;
  if (array.shape.length < 2 || array.strings)
    throw unreadable(path, `holds ${array.dtype}[${array.shape.join(',')}]`, 'the first axis counts samples');
  if (labels && labels.length !== count)
    throw unreadable(
      path,
      `has ${labels.length} classes for ${count} items`,
      'one class for each item, in their order',
    );
  const size = bytesOf(array.dtype, elementCount(rest));
  const bytes = array.bytes();
  return {
    count,
    description: `${count} samples of ${path}`,
    name: (i) => `${path}[${i}]`,
    label: (i) => labels?.[i],
    read: (i) => Promise.resolve(asPicture(tensor(array.dtype, rest, bytes.subarray(i * size, (i + 1) * size)))),
  };
}

/** Bytes H,W or H,W,3 or 3,H,W (also with 1 for 3) as pixels; anything else is an input already. */
function asPicture(t: Tensor): Image | Tensor {
  if (t.dtype !== 'uint8' || t.shape.length < 2 || t.shape.length > 3) return t;
  const few = (n: number | undefined): boolean => n === 1 || n === 3;
  const planar = t.shape.length === 3 && few(t.shape[0]) && !few(t.shape[2]);
  const shape = t.shape.length === 2 ? [...t.shape, 1] : planar ? [...t.shape.slice(1), t.shape[0] ?? 1] : t.shape;
  const [height = 0, width = 0, channels = 0] = shape;
  if (!few(channels)) return t;
  const from = t.bytes();
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++)
    for (let c = 0; c < 3; c++) {
      const channel = channels === 1 ? 0 : c;
      data[3 * i + c] = from[planar ? channel * height * width + i : i * channels + channel] ?? 0;
    }
  return { width, height, data };
}

/** The classes in a file: an IDX or .npy file of integers. */
function readClasses(path: string): readonly number[] {
  const array = arrayOf(path, readWhole(path));
  if (!array) throw unreadable(path, 'is neither an IDX nor an .npy file', 'one integer for each sample was expected');
  if (!isNumeric(array.dtype) || array.shape.filter((d) => d !== 1).length > 1)
    throw unreadable(
      path,
      `holds ${array.dtype}[${array.shape.join(',')}]`,
      'one integer for each sample was expected',
    );
  const values = Array.from(asFloat64(array));
  const odd = values.find((v) => !Number.isInteger(v) || v < 0);
  if (odd !== undefined) throw unreadable(path, `has the class ${odd}`, 'classes are whole numbers from 0 on');
  return values;
}
