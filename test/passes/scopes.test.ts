import { expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { inferShapes } from '../../src/graph/infer.js';
import type { Model } from '../../src/graph/ir.js';
import { registry } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { tensor, type Tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { brokenInvariants, shadowedNames } from '../support/invariants.js';
import { difference, drawInputs, outputsOfRuns, TOL } from '../support/rules.js';
import { describeShared, sharedBytes } from '../support/shared.js';

/** Merged in onnxruntime's eyes too, whichever way the Ifs go, and without a name that stands twice. */
async function expectFused(read: () => Model, norms: number): Promise<void> {
  const [before, after] = [read(), read()];
  inferShapes(before, registry);
  await fuse(after);
  expect(shadowedNames(after)).toEqual([]);
  const left = [...everyOp(after)].filter((op) => op === 'BatchNormalization');
  expect(left).toHaveLength(norms);
  const feeds = [1, 0].map((flag) => flagged(drawInputs(before, 1), flag));
  const [a, b] = [await outputsOfRuns(before, feeds), await outputsOfRuns(after, feeds)];
  expect(a).toHaveLength(2);
  a.forEach((run, i) => {
    for (const [name, x] of run) {
      const y = b[i]?.get(name);
      if (!y) throw new Error(`no ${name}`);
      const { rms, places } = difference(x, y);
      expect(places).toBe(true);
      expect(rms).toBeLessThanOrEqual(TOL.float32.rms);
    }
  });
}

const flagged = (feeds: ReadonlyMap<string, Tensor>, flag: number): ReadonlyMap<string, Tensor> =>
  new Map(Array.from(feeds, ([name, t]) => [name, t.dtype === 'bool' ? tensor('bool', [], Uint8Array.of(flag)) : t]));

function* everyOp(model: Model): Generator<string> {
  const pending = [model.graph];
  for (let graph = pending.pop(); graph; graph = pending.pop())
    for (const node of graph.nodes()) {
      yield node.opType;
      pending.push(...node.subgraphs);
    }
}

const OUTER = `(x: float32[1,4,5,5], c: bool[]) -> (y)
  w: float32[4,4,1,1]
  s: float32[4]
  b: float32[4]
  m: float32[4]
  v: float32[4]`;
const merged = (x: string, of: string, y: string): string =>
  `${of} = Conv(${x}, w)\n ${y} = BatchNormalization(${of}, s, b, m, v)`;

/** Each merges a weight of the outer graph in one place, and reads it in another. */
const SHARED: readonly (readonly [string, string, number])[] = [
  [
    'the other branch',
    `${OUTER}
     y = If<then_branch={ t () -> (p)\n ${merged('x', 'q', 'p')} }, else_branch={ e () -> (r)\n r = Conv(x, w) }>(c)`,
    0,
  ],
  [
    'the graph around',
    `${OUTER}
     z = If<then_branch={ t () -> (p)\n ${merged('x', 'q', 'p')} }, else_branch={ e () -> (r)\n r = Neg(x) }>(c)
     u = Conv(x, w)
     y = Add(z, u)`,
    0,
  ],
  [
    'a graph inside, of one outside',
    `${OUTER}
     ${merged('x', 'q', 'z')}
     y = If<then_branch={ t () -> (p)\n p = Conv(z, w) }, else_branch={ e () -> (r)\n r = Relu(z) }>(c)`,
    0,
  ],
  [
    'the body of a Loop',
    `${OUTER}
     ${merged('x', 'q', 'z')}
     y = Loop<body={ l (i: int64[], k: bool[], a: float32[1,4,5,5]) -> (k2, a3)
       k2 = Identity(k)
       ${merged('a', 'a2', 'a1')}
       a3 = Tanh(a1) }>(n: int64[] = [3], c, z)`,
    0,
  ],
  [
    'the body of a Scan',
    `${OUTER}
     u = Conv(x, w)
     z = Scan<num_scan_inputs=1, body={ l (a: float32[1,4,5,5], f: float32[4,1,1]) -> (a3)
       ${merged('a', 'a2', 'a1')}
       a3 = Mul(a1, f) }>(x, rows: float32[2,4,1,1])
     y = Add(z, u)`,
    0,
  ],
];

test.each(SHARED)('a weight that is merged in one graph is left as it is in %s', (_where, text, norms) =>
  expectFused(() => parseGraph(text, { seed: 1 }), norms),
);

test('a file with a name that stands twice is fused all the same: an output keeps its name', async () => {
  const text = `(x: float32[2], c: bool[]) -> (y)
    t = If<then_branch={ a () -> (p)\n y = Abs(x)\n p = Neg(y) }, else_branch={ b () -> (q)\n q = Abs(x) }>(c)
    u = Relu(t)
    y = Identity(u)`;
  const model = parseGraph(text);
  await fuse(model);
  expect(model.graph.nodeCount).toBe(2);
  expect(model.graph.outputs.map((v) => v.name)).toEqual(['y']);
  expect(shadowedNames(model)).toEqual(['y']);
  expect(brokenInvariants(model)).toEqual([]);
});

describeShared('after public reports', () => {
  test('R01_if_branch_shares_weight', () =>
    expectFused(() => readOnnx(sharedBytes('reference/public/R01_if_branch_shares_weight.onnx')), 0));
});
