import { afterAll, describe, expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { cloneModel } from '../../src/graph/clone.js';
import { countPatterns, findPatterns, type PatternKind } from '../../src/analysis/patterns.js';
import { fuse } from '../../src/passes/fuse.js';
import { isFull } from '../support/shared.js';
import { typed } from '../support/equivalence.js';
import { compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

const process = new ProcessRunner({ timeout: 60_000 });
afterAll(() => process.close());

const FIRST =
  'x = Conv<pads=[1,1,1,1]>(i, w: float32[8,8,3,3], b: float32[8])\n x2 = BatchNormalization(x, s: float32[8], t: float32[8], m: float32[8], v: float32[8] = [1,2,3,4,5,6,7,8])';
const LAST = 'o = Conv(y, u: float32[4,8,1,1])';
/** What stands between two convolutions, the lower with a BatchNormalization: its input is x2, its result y. */
const between = (lines: string): string => `(i: float32[1,8,6,6]) -> (o)\n ${FIRST}\n ${lines}\n ${LAST}`;

/** Who writes it so, the kinds found, and how many operators each takes. The lines are what torch 1.13, Keras and timm models have. */
const FORMS: [string, PatternKind[], number[], string][] = [
  ['hard-swish: the operator', ['hard-swish'], [1], 'y = HardSwish(x2)'],
  [
    'hard-swish: nn.Hardswish below opset 14',
    ['hard-swish'],
    [2],
    'g = HardSigmoid<alpha=0.16666667>(x2)\n y = Mul(x2, g)',
  ],
  [
    'hard-swish: x * relu6(x + 3) / 6',
    ['hard-swish'],
    [5],
    'a = Add(x2, c3: float32[] = [3])\n r = Relu(a)\n c = Clip(r, lo: float32[] = [0], hi: float32[] = [6])\n p = Mul(x2, c)\n y = Div(p, c6: float32[] = [6])',
  ],
  [
    'hard-swish: x * (relu6(x + 3) / 6)',
    ['hard-swish'],
    [4],
    'a = Add(x2, c3: float32[] = [3])\n c = Clip(a, lo: float32[] = [0], hi: float32[] = [6])\n d = Div(c, c6: float32[] = [6])\n y = Mul(x2, d)',
  ],
  [
    'hard-swish: Keras multiplies by 1/6',
    ['hard-swish'],
    [4],
    'a = Add(c3: float32[1] = [3], x2)\n c = Clip(a, lo: float32[] = [0], hi: float32[] = [6])\n d = Mul(c, k: float32[] = [0.16666667])\n y = Mul(d, x2)',
  ],
  ['SiLU', ['SiLU'], [2], 'g = Sigmoid(x2)\n y = Mul(x2, g)'],
  ['SiLU: the other way round', ['SiLU'], [2], 'g = Sigmoid(x2)\n y = Mul(g, x2)'],
  [
    'GELU: nn.GELU',
    ['GELU'],
    [5],
    'd = Div(x2, r: float32[] = [1.4142135])\n e = Erf(d)\n a = Add(e, one: float32[] = [1])\n p = Mul(x2, a)\n y = Mul(p, h: float32[] = [0.5])',
  ],
  [
    'GELU: halved first',
    ['GELU'],
    [5],
    'h2 = Mul(x2, h: float32[] = [0.5])\n d = Mul(x2, r: float32[] = [0.70710677])\n e = Erf(d)\n a = Add(one: float32[] = [1], e)\n y = Mul(h2, a)',
  ],
  [
    'squeeze-and-excitation: torchvision',
    ['squeeze-and-excitation'],
    [6],
    'p = GlobalAveragePool(x2)\n c1 = Conv(p, e1: float32[2,8,1,1], f1: float32[2])\n r = Relu(c1)\n c2 = Conv(r, e2: float32[8,2,1,1], f2: float32[8])\n g = Sigmoid(c2)\n y = Mul(g, x2)',
  ],
  [
    'squeeze-and-excitation: hard gate',
    ['squeeze-and-excitation'],
    [6],
    'p = GlobalAveragePool(x2)\n c1 = Conv(p, e1: float32[2,8,1,1], f1: float32[2])\n r = Relu(c1)\n c2 = Conv(r, e2: float32[8,2,1,1], f2: float32[8])\n g = HardSigmoid<alpha=0.16666667>(c2)\n y = Mul(x2, g)',
  ],
  [
    'squeeze-and-excitation: x.mean((2, 3)), SiLU within',
    ['SiLU', 'squeeze-and-excitation'],
    [2, 7],
    'p = ReduceMean<axes=[2,3]>(x2)\n c1 = Conv(p, e1: float32[2,8,1,1], f1: float32[2])\n s1 = Sigmoid(c1)\n r = Mul(c1, s1)\n c2 = Conv(r, e2: float32[8,2,1,1], f2: float32[8])\n g = Sigmoid(c2)\n y = Mul(x2, g)',
  ],
  [
    'squeeze-and-excitation: linear layers and views',
    ['squeeze-and-excitation'],
    [7],
    'p = GlobalAveragePool(x2)\n f = Flatten(p)\n c1 = Gemm<transB=1>(f, e1: float32[2,8], f1: float32[2])\n r = Relu(c1)\n c2 = Gemm<transB=1>(r, e2: float32[8,2], f2: float32[8])\n g = Sigmoid(c2)\n q = Reshape(g, to: int64[4] = [1,8,1,1])\n y = Mul(x2, q)',
  ],
];

describe('as exporters write them: recognised, and still there after fuse', () => {
  test.each(FORMS)('%s', async (_who, kinds, operators, lines) => {
    const before = typed(between(lines), 3);
    const found = findPatterns(before);
    expect(found.map((p) => p.kind)).toEqual(kinds);
    expect(found.map((p) => p.operators)).toEqual(operators);
    const after = cloneModel(before);
    await fuse(after);
    expect([...after.graph.nodes()].some((n) => n.opType === 'BatchNormalization')).toBe(false);
    expect(countPatterns(findPatterns(after))).toEqual(countPatterns(found));
    expect((await compareModels(before, after, { runner: process, runs: 1 })).verdict).toBe('match');
  });
});

describe('what only looks like one', () => {
  test.each([
    ['a gate of something else', 'g = Sigmoid(x)\n y = Mul(x2, g)'],
    ['another slope', 'g = HardSigmoid(x2)\n y = Mul(x2, g)'],
    [
      'another height',
      'a = Add(x2, c3: float32[] = [3])\n c = Clip(a, lo: float32[] = [0], hi: float32[] = [6])\n p = Mul(x2, c)\n y = Div(p, c5: float32[] = [5])',
    ],
    [
      'another shift',
      'a = Add(x2, c3: float32[] = [2])\n c = Clip(a, lo: float32[] = [0], hi: float32[] = [6])\n p = Mul(x2, c)\n y = Div(p, c6: float32[] = [6])',
    ],
    [
      'GELU without the half',
      'd = Div(x2, r: float32[] = [1.4142135])\n e = Erf(d)\n a = Add(e, one: float32[] = [1])\n y = Mul(x2, a)',
    ],
    [
      'one layer in the gate',
      'p = GlobalAveragePool(x2)\n c = Conv(p, e1: float32[8,8,1,1])\n g = Sigmoid(c)\n y = Mul(x2, g)',
    ],
    [
      'the mean of something else',
      'p = GlobalAveragePool(x)\n c1 = Conv(p, e1: float32[2,8,1,1])\n r = Relu(c1)\n c2 = Conv(r, e2: float32[8,2,1,1])\n g = Sigmoid(c2)\n y = Mul(x2, g)',
    ],
    [
      'a mean of rows',
      'p = ReduceMean<axes=[2]>(x2)\n c1 = Conv(p, e1: float32[2,8,1,1])\n r = Relu(c1)\n c2 = Conv(r, e2: float32[8,2,1,1])\n g = Sigmoid(c2)\n y = Mul(x2, g)',
    ],
  ])('%s', (_what, lines) => expect(findPatterns(typed(between(lines)))).toEqual([]));
});

// What the papers and torchvision's modules have.
test.each<[string, Partial<Record<PatternKind, number>>]>([
  ['mobilenet_v3_large', { 'hard-swish': 21, 'squeeze-and-excitation': 8 }],
  ['efficientnet_b0', { SiLU: 49, 'squeeze-and-excitation': 16 }],
  ['convnext_tiny', { GELU: 18 }],
  ['regnet_y_400mf', { 'squeeze-and-excitation': 16 }],
  ['resnet18', {}],
])('%s, built and fused', async (name, counts) => {
  const { model } = buildArchitecture(findVariant(name));
  expect(Object.fromEntries(countPatterns(findPatterns(model)))).toEqual(counts);
  // Millions of weights: one in the quick run.
  if (name !== 'mobilenet_v3_large' && !isFull) return;
  await fuse(model);
  expect(Object.fromEntries(countPatterns(findPatterns(model)))).toEqual(counts);
});
