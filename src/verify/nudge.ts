import { cloneModel } from '../graph/clone.js';
import { Editor, everyGraph } from '../graph/edit.js';
import { constantTensor, type Model } from '../graph/ir.js';
import type { Feeds } from '../running/session.js';
import { lazyTensor, type Tensor } from '../tensor/tensor.js';

/** Of each type: bytes of a number, and the bits that are all ones where it is infinite or NaN. */
const EXPONENTS: Partial<Record<Tensor['dtype'], readonly [width: 2 | 4, exponent: number]>> = {
  float32: [4, 0x7f800000],
  float16: [2, 0x7c00],
  bfloat16: [2, 0x7f80],
};

/**
 * A tensor with the last bit of about half of its numbers turned; zeros, infinities and NaN stay. A sound computation
 * moves by about its own rounding; one that does not is not told from noise by any comparison. Other types stay as they
 * are.
 */
export function nudged(t: Tensor, seed: number): Tensor {
  const found = EXPONENTS[t.dtype];
  if (!found) return t;
  const [width, exponent] = found;
  return lazyTensor(t.dtype, t.shape, () => {
    const bytes = Uint8Array.from(t.bytes());
    const words = width === 4 ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer);
    let state = Math.imul(seed, 0x9e3779b1) >>> 0;
    for (let i = 0; i < words.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const word = words[i] ?? 0;
      if (word << 1 !== 0 && (word & exponent) !== exponent) words[i] = word ^ (state >>> 31);
    }
    return bytes;
  });
}

export const nudgedFeeds = (feeds: Feeds, seed: number): Feeds =>
  new Map(Array.from(feeds, ([name, t]) => [name, nudged(t, seed)]));

/** A copy of a model with all its weights nudged. */
export function nudgedModel(model: Model, seed: number): Model {
  const copy = cloneModel(model);
  const edit = new Editor(copy);
  let next = seed * 1000;
  for (const graph of everyGraph(copy)) {
    for (const value of graph.initializers) {
      const data = constantTensor(value);
      if (data && EXPONENTS[data.dtype]) edit.setInitializer(value, nudged(data, next++));
    }
  }
  return copy;
}
