import type { Model } from '../graph/ir.js';
import type { Dataset } from './dataset.js';
import { type Sizes, suitableRuns } from './random-inputs.js';
import type { Runner } from './runner.js';
import { releaseQuietly } from './session.js';

/** Random inputs in place of data; the same for one seed. Throws what `suitableRuns` throws. */
export async function randomData(
  model: Model,
  count: number,
  seed: number,
  runner: Runner,
  sizes: Sizes = {},
): Promise<Dataset> {
  const session = await runner.load(model, { threads: 1 });
  try {
    const runs = await suitableRuns(session, { sizes, seed, runs: count, pictures: false });
    return {
      count: runs.length,
      description: `${runs.length} random inputs`,
      item: (index) =>
        Promise.resolve({ name: `random ${index}`, feeds: runs[index]?.feeds ?? new Map(), label: undefined }),
    };
  } finally {
    await releaseQuietly(session);
  }
}
