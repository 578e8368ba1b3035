import { describe, expect, test } from 'vitest';
import {
  type BuildOptions,
  buildArchitecture,
  findVariant,
  goldenVarScale,
  variants,
} from '../../src/builders/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import type { Model } from '../../src/graph/ir.js';
import { staticShape } from '../../src/graph/types.js';
import { Conv, Gemm } from '../../src/ops/index.js';
import { fuse, operatorCounts } from '../../src/passes/fuse.js';
import { asFloat64, fromFloat64, type Tensor } from '../../src/tensor/tensor.js';
import { goldenInput, goldens, readGolden } from '../support/goldens.js';
import { inHalf } from '../support/half-model.js';
import { isFull } from '../support/shared.js';
import { compareModels } from '../../src/node/api.js';
import { type Feeds } from '../../src/running/session.js';

/** Golden weights, their variances scaled as the golden file says where there is one: without that, deep networks amplify rounding itself. */
function goldenFor(name: string): BuildOptions {
  const varScale = goldens().includes(name) ? goldenVarScale(readGolden(name)) : undefined;
  return { init: { kind: 'golden', varScale } };
}

/** BatchNormalizations that have to stay: their input is a feature map that other layers read too, with a ReLU behind them. */
const REMAINING: Readonly<Record<string, number>> = {
  densenet121: 62,
  densenet161: 82,
  densenet169: 86,
  densenet201: 102,
};

/** Multiply-accumulates by the shapes of what convolutions and products make, and the elements of all their constants. */
function costOf(model: Model): { macs: number; weights: number } {
  let [macs, weights] = [0, 0];
  for (const node of model.graph.nodes()) {
    for (const v of node.inputs)
      weights += v?.initializer && v.initializer.dtype === 'float32' ? v.initializer.byteLength / 4 : 0;
    if (!node.is(Conv) && !node.is(Gemm)) continue;
    const out = staticShape(node.outputs[0]?.type) ?? [];
    const w = staticShape(node.inputs[1]?.type) ?? [];
    macs += node.is(Conv)
      ? out.reduce((n, d) => n * d, 1) * w.slice(1).reduce((n, d) => n * d, 1)
      : w.reduce((n, d) => n * d, 1);
  }
  return { macs, weights };
}

function built(name: string, options: BuildOptions = {}): Model {
  return buildArchitecture(findVariant(name), { ...goldenFor(name), ...options }).model;
}

/** The golden image, for which the golden variances are: on others some networks amplify rounding itself. */
function goldenInputs(model: Model): readonly Feeds[] {
  const feeds = [...model.graph.inputs].map((input): [string, Tensor] => {
    const image = goldenInput(staticShape(input.type) ?? []);
    const half = input.type?.kind === 'tensor' && input.type.dtype === 'float16';
    return [input.name, half ? fromFloat64('float16', image.shape, asFloat64(image)) : image];
  });
  return [new Map(feeds)];
}

const imageSizeOf = (name: string): number => Number(findVariant(name).config['imageSize']);
/** EfficientNet-B7 on 600 x 600 takes a quarter of an hour; its weights are the same on fewer pixels. */
const LARGEST = 300;

/** No golden file scales their variances, and they differ from themselves by percents. */
const NOISY = { float32: ['regnet_y_128gf'], float16: ['regnet_y_1_6gf'] };

const FAST = ['acnet', 'resnet18', 'googlenet', 'densenet121', 'regnet_y_400mf'];
const names = isFull ? variants().map((v) => v.name) : FAST;

/** The largest take minutes to fill with weights. */
const TIMEOUT = isFull ? 900_000 : 120_000;

describe.each(names)('%s', { timeout: TIMEOUT }, (name) => {
  test('fused: no BatchNormalization that can go is left, nothing stands in its place, nothing costs more', async () => {
    const model = built(name, { config: { imageSize: Math.min(imageSizeOf(name), LARGEST) } });
    const [before, cost] = [operatorCounts(model), costOf(model)];
    const original = cloneModel(model);
    await fuse(model);
    const after = operatorCounts(model);
    const config = findVariant(name).config;
    const densenetForCifar =
      findVariant(name).card.family.name === 'densenet' && !(name in REMAINING) ? config : undefined;
    if (densenetForCifar === undefined) expect(after.get('BatchNormalization') ?? 0).toBe(REMAINING[name] ?? 0);
    for (const op of ['Mul', 'Add', 'Div', 'Sub']) expect(after.get(op) ?? 0).toBeLessThanOrEqual(before.get(op) ?? 0);
    const fused = costOf(model);
    expect(fused.macs).toBeLessThanOrEqual(cost.macs);
    expect(fused.weights).toBeLessThanOrEqual(cost.weights);
    if (!isFull && name !== 'acnet') return;
    const check = await compareModels(original, model, { inputs: goldenInputs(original) });
    expect(check).toMatchObject({ verdict: NOISY.float32.includes(name) ? 'not verified' : 'match' });
  });
});

/** On a CPU onnxruntime takes minutes for larger images in float16; the weights are the same. Its auxiliary head needs Inception's own size. */
const HALF_SIZE = 96;
const halfSize = (name: string): number => (name === 'inception_v3' ? 299 : Math.min(imageSizeOf(name), HALF_SIZE));

/** 644 million weights take half an hour to make and run in float16. */
const TOO_LARGE = ['regnet_y_128gf'];

describe.each(isFull ? names.filter((n) => !TOO_LARGE.includes(n)) : ['acnet'])(
  '%s in float16',
  { timeout: TIMEOUT },
  (name) => {
    test('fused, it computes the same within the noise of its type', async () => {
      const original = inHalf(built(name, { config: { imageSize: halfSize(name) } }));
      const model = cloneModel(original);
      await fuse(model);
      const check = await compareModels(original, model, { inputs: goldenInputs(original) });
      expect(check).toMatchObject({ verdict: NOISY.float16.includes(name) ? 'not verified' : 'match' });
    });
  },
);

/** One block for each stage, in the quick run: the others are like it. */
const SHORT = { layers: [1, 1, 1, 1] };

test.each([
  ['resnext50_32x4d', { config: isFull ? {} : SHORT }],
  ['alexnet', { config: { groups: 2 } }],
] as const)('%s written as parallel paths is fused into its grouped form', async (name, options) => {
  const grouped = built(name, options);
  const paths = built(name, { ...options, form: 'paths' });
  expect(paths.graph.nodeCount).toBeGreaterThan(grouped.graph.nodeCount);
  await fuse(grouped);
  await fuse(paths);
  const structure = (m: Model): string[] =>
    [...m.graph.nodes()].map(
      (n) => `${n.opType} ${n.is(Conv) ? n.attr.group : ''} ${staticShape(n.outputs[0]?.type)?.join('x')}`,
    );
  expect(structure(paths)).toEqual(structure(grouped));
  expect(costOf(paths)).toEqual(costOf(grouped));
});

test.each(['authors', 'plain'] as const)('resnet18 with %s asymmetric blocks is fused into resnet18', async (acb) => {
  const config = isFull ? {} : SHORT;
  const plain = built('resnet18', { config });
  const blocks = built('resnet18', { config, acb });
  await fuse(plain);
  await fuse(blocks);
  expect(operatorCounts(blocks)).toEqual(operatorCounts(plain));
  expect(costOf(blocks)).toEqual(costOf(plain));
});
