import { printable } from '../base/text.js';
import type { DType } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';

/** An input or output as the session describes it: sizes, names for free sizes. */
export interface Port {
  readonly name: string;
  /** Absent for what is no tensor. */
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string)[];
}

/** Tensors for the inputs of a model, or from its outputs, by name. */
export type Feeds = ReadonlyMap<string, Tensor>;

/** In words, as in x float32[N,3,224,224]. */
export const portText = ({ name, dtype, shape }: Port): string =>
  `${printable(name)} ${dtype ?? '(no tensor)'}${dtype ? `[${shape.map((d) => printable(String(d))).join(',')}]` : ''}`;
