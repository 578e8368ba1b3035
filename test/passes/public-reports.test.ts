import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { fuseReportText } from '../../src/passes/fuse-report.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { hashName, streamAt } from '../../src/tensor/seeded.js';
import { float32Tensor, int64Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { difference, outputsOfRuns, TOL } from '../support/rules.js';
import { evaluateHere } from '../support/reparam.js';
import { describeShared, sharedBytes } from '../support/shared.js';

/** Shapes of float32 inputs by name; or the integers of an int64 one. */
type Feeds = Readonly<Record<string, readonly number[] | { readonly ints: readonly number[] }>>;

const float = (name: string, shape: readonly number[]): Tensor =>
  float32Tensor(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => 2 * streamAt(hashName(name), i)),
  );

const drawn = (feeds: Feeds): ReadonlyMap<string, Tensor> =>
  new Map(
    Object.entries(feeds).map(([name, of]) => [
      name,
      'ints' in of ? int64Tensor([of.ints.length], of.ints) : float(name, of),
    ]),
  );

/** Small models after public reports about converters and optimisers: how many nodes are left, and inputs to compare on. */
const CASES: readonly (readonly [file: string, nodes: number, feeds: readonly Feeds[]])[] = [
  ['F_constant-if', 2, [{ x: [1, 3, 16] }]],
  ['F_attention-heads', 3, [{ x: [1, 5, 8] }, { x: [3, 2, 8] }]],
  ['F_view-size0', 5, [{ x: [1, 3, 16, 16] }, { x: [3, 3, 16, 16] }]],
  ['F_matmul-add-after-lstm', 3, [{ x: [3, 1, 5] }]],
  ['N05_if_constant', 2, [{ x: [1, 1, 8] }, { x: [3, 1, 8] }]],
  ['N14a_leaky_relu_one', 2, [{ x: [2, 4, 8, 8] }]],
  ['N14c_no_ops', 4, [{ x: [2, 4, 8, 8] }]],
  ['R04_weight_standardisation', 1, [{ x: [1, 4, 8, 8] }]],
  ['R05_training_batchnorm', 5, [{ x: [4, 3, 8, 8] }]],
  [
    'F_stale-value-info-kept',
    9,
    [
      { x: [1, 3, 4], state: [2, 1, 4] },
      { x: [3, 3, 4], state: [2, 3, 4] },
    ],
  ],
  [
    'F_declared-output',
    2,
    [
      { x: [1, 2, 2, 2], shape: { ints: [1, 2, 2, 2] } },
      { x: [1, 2, 2, 2], shape: { ints: [2, 1, 4, 1] } },
    ],
  ],
];

describeShared('small models after public reports', () => {
  test.each(CASES)('%s: %i nodes, the same outputs', async (file, nodes, feeds) => {
    const bytes = sharedBytes(`reference/public/${file}.onnx`);
    const [before, after] = [readOnnx(bytes), readOnnx(bytes)];
    await fuse(after, { evaluate: evaluateHere });
    expect(everyNode(after).length).toBeLessThanOrEqual(nodes);
    // One after the other in one session: what a kernel writes into is seen by the next run.
    const inputs = [...feeds, ...feeds].map(drawn);
    const [a, b] = [await outputsOfRuns(before, inputs), await outputsOfRuns(after, inputs)];
    a.forEach((run, i) => {
      expect([...(b[i]?.keys() ?? [])]).toEqual([...run.keys()]);
      for (const [name, x] of run) {
        const y = b[i]?.get(name);
        expect(y?.shape).toEqual(x.shape);
        if (!y) continue;
        const { rms, places } = difference(x, y);
        expect(places).toBe(true);
        expect(rms).toBeLessThanOrEqual(TOL.float32.rms);
      }
    });
  });

  test('a stale declaration is named, not believed', async () => {
    const model = readOnnx(sharedBytes('reference/public/F_stale-value-info-kept.onnx'));
    const report = await fuse(model, { evaluate: evaluateHere });
    expect(report.stale).toEqual(['e is declared as float32[1,1,4]; computed: float32[N,1,4]']);
    expect(fuseReportText('it', report, { explain: false })).toContain('note: a stale declaration: e is declared as');
  });
});
