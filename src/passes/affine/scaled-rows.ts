import { madeTensor } from '../../tensor/made-numbers.js';
import type { Tensor } from '../../tensor/tensor.js';
import { scaleFloat32Rows } from './kernel.js';

/** How many numbers are read at once to see whether all of them are finite. */
const BLOCK = 2 ** 18;

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
  const make = (out: Float32Array, from: number): boolean => {
    range.readInto(4 * from, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
    return scaleFloat32Rows(out, factor, count / factor.length, from);
  };
  const memory = new Float32Array(Math.min(BLOCK, count));
  for (let from = 0; from < count; from += BLOCK) if (!make(memory.subarray(0, count - from), from)) return undefined;
  const made = madeTensor(shape, make);
  scaled.add(made);
  return made;
}
