import type { Image } from '../tensor/image.js';
import { shuffled } from './dataset.js';
import type { Tensor } from '../tensor/tensor.js';

/** A class: its index among a model's outputs, or a name that is looked up (a folder, a column of a table). */
export type Label = number | string;

/** What a data set holds, before it becomes an input of any model. */
export interface Samples {
  readonly count: number;
  /** In words, for reports. */
  readonly description: string;
  /** Names of the classes in the order that the data gives them: sorted folders, a list beside the files. */
  readonly classes?: readonly string[] | undefined;
  /** A file within the folder, or a position. */
  name(index: number): string;
  /** The class, where it is known. */
  label(index: number): Label | undefined;
  /** Pixels, or an array that is an input already, without a batch. Throws what reading the file throws. */
  read(index: number): Promise<Image | Tensor>;
}

export const isImage = (sample: Image | Tensor): sample is Image => 'width' in sample;

/** All indices below `count`, or `limit` of them drawn by the seed; in rising order. */
export function sampled(count: number, limit: number | undefined, seed: number): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (limit === undefined || limit >= count) return all;
  return shuffled(count, seed)
    .slice(0, limit)
    .sort((a, b) => a - b);
}
