import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Dataset } from '../../running/dataset.js';
import { isImage, type Label } from '../../running/samples.js';
import type { Image } from '../../tensor/image.js';
import { type Tensor, tensor } from '../../tensor/tensor.js';
import { openSamples } from './samples.js';

/** How the items of a dataset become inputs of a model. */
export interface DatasetOptions {
  /** The input that they are for, and its number of axes, the batch among them. */
  readonly input: string;
  readonly rank: number;
  /** An image as that input; without it only arrays can be read. */
  readonly fromImage?: ((image: Image) => Tensor) | undefined;
  /** Classes: see `openSamples`. */
  readonly truth?: string | undefined;
}

/** Examples for one model of any data set that `openSamples` reads; its named classes are counted in sorted order. Throws as that does. */
export function openDataset(path: string, options: DatasetOptions): Dataset {
  const { input, truth } = options;
  const samples = openSamples(path, truth);
  const classes = new Map(samples.classes?.map((name, i) => [name, i]));
  const index = (label: Label | undefined): number | undefined =>
    typeof label === 'string' ? classes.get(label) : label;
  return {
    count: samples.count,
    description: samples.description,
    item: async (i) => {
      const sample = await samples.read(i);
      const name = samples.name(i);
      const feed = isImage(sample) ? toInput(name, sample, options) : batched(name, sample, options.rank);
      return { name, feeds: new Map([[input, feed]]), label: index(samples.label(i)) };
    },
  };
}

const refuse = (name: string, what: string, hint: string): CnnxError =>
  new CnnxError('data/unreadable', `${printable(name)} ${what}`, { at: { file: name }, hint });

function toInput(name: string, image: Image, { fromImage, input }: DatasetOptions): Tensor {
  if (fromImage) return fromImage(image);
  throw refuse(name, `is an image, and the input ${printable(input)} takes none`, 'give .npy files of that input');
}

/** An array as the model takes it: as it is, or with a batch of 1 before it. */
function batched(name: string, t: Tensor, rank: number): Tensor {
  if (t.shape.length === rank) return t;
  if (t.shape.length + 1 === rank) return tensor(t.dtype, [1, ...t.shape], t.bytes());
  throw refuse(name, `holds ${t.dtype}[${t.shape.join(',')}]`, `the input takes ${rank} axes, or all but the batch`);
}
