import { generatedTensor } from '../../tensor/generated.js';
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
  const largest = factor.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
  for (let from = 0; from < count; from += BLOCK) {
    const part = scratch.subarray(0, count - from);
    range.readInto(4 * from, new Uint8Array(part.buffer, 0, part.byteLength));
    if (!Number.isFinite(Math.fround(magnitude(part) * largest)) && !block(part, from)) return undefined;
  }
  const made = generatedTensor(shape, (out, from) => {
    for (let at = 0; at < out.length; at += BLOCK) block(out.subarray(at, at + BLOCK), from + at);
  });
  scaled.add(made);
  return made;
}

/** The largest magnitude; NaN when a number is NaN. */
function magnitude({ buffer, byteOffset, length }: Float32Array): number {
  const most = largestWithoutSign(new Int32Array(buffer, byteOffset, length));
  return new Float32Array(Int32Array.of(most).buffer)[0] ?? 0;
}

/** Of the bits of floats: without their signs, they are in the order of the floats. A function of its own, which the engine can keep compiled. */
function largestWithoutSign(bits: Int32Array): number {
  let most = 0;
  for (let i = 0; i < bits.length; i++) most = Math.max(most, (bits[i] ?? 0) & 0x7fffffff);
  return most;
}
