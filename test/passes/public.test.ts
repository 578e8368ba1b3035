import { expect, test } from 'vitest';
import { openModel } from '../../src/node/files/model-file.js';
import { fuse } from '../../src/passes/fuse.js';
import { drawFeeds, runInOrt } from '../support/equivalence.js';
import { evaluateHere } from '../support/reparam.js';
import { describeShared, shared } from '../support/shared.js';

/** Models after public reports, with the number of nodes that an expert reaches by hand. */
const NODES: Readonly<Record<string, number>> = {
  N01_rep_reflect: 3,
  N02a_concat_norm_csp: 6,
  N03_focus: 2,
  N06a_norm_flatten_gemm: 3,
  N07a_global_pool: 3,
  N07c_nearest: 3,
  N08a_pad_for_two: 4,
  N09a_linear_norm_tokens: 3,
  N10_nhwc: 7,
  N11_dbb_fixed: 2,
  N11_dbb_open_batch: 2,
  N12_norm_of_halves: 4,
  N13a_norm_norm: 3,
  N13d_input_normalisation: 3,
  N15_layer_scale_after_transpose: 4,
  N16_quantised_conv_norm: 5,
  N17a_channel_gather: 2,
  N19_equal_branches: 2,
};

/** The largest difference relative to the largest number: sums in another order, in float32. */
const TOLERANCE = 2e-6;

describeShared('what an expert merges by hand', () => {
  test.each(Object.entries(NODES))('%s: %i nodes', async (name, nodes) => {
    const path = shared(`reference/public/${name}.onnx`);
    const [before, after] = [await openModel(path), await openModel(path)];
    await fuse(after, { evaluate: evaluateHere });
    expect(after.graph.nodeCount).toBeLessThanOrEqual(nodes);
    const feeds = drawFeeds(before);
    const [expected, found] = [await runInOrt(before, feeds), await runInOrt(after, feeds)];
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [output, x] of expected) {
      const y = found.get(output);
      expect(y?.shape).toEqual(x.shape);
      const largest = x.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      const off = x.data.reduce((most, v, i) => Math.max(most, Math.abs(v - (y?.data[i] ?? Number.NaN))), 0);
      expect(off / largest).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});
