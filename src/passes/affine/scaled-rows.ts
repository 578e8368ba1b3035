import { madeTensor } from '../../tensor/made-numbers.js';
import type { Tensor } from '../../tensor/tensor.js';
import { scaleFloat32Rows } from './kernel.js';

/** Numbers are multiplied in blocks that stay in a processor's cache from when they are read. */
const BLOCK = 2 ** 16;

/** For numbers that are only looked at. */
const scratch = new Float32Array(BLOCK);

/** Reading these scales already; what is made of them stays one step if they are not scaled again. */
const scaled = new WeakSet<Tensor>();

/**
 * A stored float32 tensor with each row times a factor, in float64 and rounded once; its numbers are read from where the tensor lies whenever they are
 * asked for, so that they take no memory. Undefined where the tensor lies nowhere as it is, or a number would not be finite.
 */
export function scaledRows(weight: Tensor, factor: Float64Array, shape: readonly number[]): Tensor | undefined {
  const { range } = weight;
  if (!range || scaled.has(weight)) return undefined;
  const count = range.size / 4;
  /** Gives whether every number is finite. */
  const block = (out: Float32Array, from: number): boolean => {
    range.readInto(4 * from, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
    return scaleFloat32Rows(out, factor, count / factor.length, from);
  };
  for (let from = 0; from < count; from += BLOCK) if (!block(scratch.subarray(0, count - from), from)) return undefined;
  const made = madeTensor(shape, (out, from) => {
    for (let at = 0; at < out.length; at += BLOCK) block(out.subarray(at, at + BLOCK), from + at);
  });
  scaled.add(made);
  return made;
}
