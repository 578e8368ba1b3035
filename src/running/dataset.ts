import type { Feeds } from './session.js';

/** One example, ready for the model it was opened for. */
export interface Example {
  /** The file, or the position in it, for messages. */
  readonly name: string;
  /** The model's inputs, with a batch of 1. */
  readonly feeds: Feeds;
  /** The class, where it is known. */
  readonly label: number | undefined;
}

/** Examples that are read one at a time. */
export interface Dataset {
  readonly count: number;
  /** In words, for reports: what it is and how its items become inputs. */
  readonly description: string;
  /** Throws what reading the file throws. */
  item(index: number): Promise<Example>;
}

/** All indices below `count` in an order that depends on the seed alone. */
export function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  let state = seed >>> 0;
  // mulberry32, as random inputs are drawn with.
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** Some items of a dataset, in a given order. */
export const subset = (data: Dataset, indices: readonly number[]): Dataset => ({
  count: indices.length,
  description: data.description,
  item: (index) => data.item(indices[index] ?? -1),
});
