import { readFileSync } from 'node:fs';
import { asFloat64, type Tensor } from '../../src/tensor/tensor.js';

/** What torchvision makes of the images in test/fixtures/images; its README says how it came about. */
export interface Torchvision {
  /** Values were taken at so many rows and columns, the first and the last among them. */
  readonly grid: number;
  readonly steps: Readonly<Record<string, object>>;
  readonly samples: readonly TensorSample[];
  /** By network, then by image: the five best classes under the golden fill, the best first. */
  readonly top5: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

export interface TensorSample {
  readonly network: string;
  readonly image: string;
  /** Of each channel of the tensor. */
  readonly mean: readonly number[];
  /** base64 of little-endian float32: channels, rows, columns. */
  readonly grid: string;
}

export const torchvision = JSON.parse(
  readFileSync(new URL('../fixtures/images/torchvision.json', import.meta.url), 'utf8'),
) as Torchvision;

export function gridOf(base64: string): readonly number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** Of a tensor 1,C,H,W. */
export function channelMeans(tensor: Tensor): readonly number[] {
  const values = asFloat64(tensor);
  const channels = tensor.shape[1] ?? 0;
  const plane = values.length / channels;
  return Array.from(
    { length: channels },
    (_, c) => values.subarray(c * plane, (c + 1) * plane).reduce((s, v) => s + v, 0) / plane,
  );
}
