import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildArchitecture, findVariant, goldenVarScale, type Init } from '../../src/builders/index.js';
import { attrOf } from '../../src/graph/attr.js';
import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model, Node, Value } from '../../src/graph/ir.js';
import { halfToNumber, numberToHalf } from '../../src/tensor/half.js';
import { asFloat32, float32Tensor } from '../../src/tensor/tensor.js';
import { readGolden } from '../support/goldens.js';
import { isFull } from '../support/shared.js';
import { compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

/*
 * What went wrong in other people's rewrites, put into networks whose BatchNormalizations do something. Each has to be seen, and the layer
 * named; the same network written anew, with nothing wrong, has to pass.
 */

const process = new ProcessRunner({ timeout: 120_000 });
afterAll(() => process.close());

const ofType = (model: Model, op: string): Node[] => [...model.graph.nodes()].filter((n) => n.opType === op);

function middle<T>(list: readonly T[]): T {
  const item = list[Math.floor(list.length / 2)];
  if (item === undefined) throw new Error('the network has none');
  return item;
}

function changeWeights(edit: Editor, value: Value | undefined, change: (data: Float32Array) => void): void {
  const tensor = value?.initializer;
  if (!value || !tensor) throw new Error('not a weight');
  const data = asFloat32(tensor).slice();
  change(data);
  edit.setInitializer(value, float32Tensor(tensor.shape, data));
}

type Fault = (model: Model, edit: Editor) => void;

const wrongEpsilon: Fault = (model, edit) =>
  edit.setAttr(middle(ofType(model, 'BatchNormalization')), attrOf.float('epsilon', 1e-3));

const swappedChannels: Fault = (model, edit) =>
  changeWeights(edit, middle(ofType(model, 'Conv')).inputs[1], (w) => {
    const size = w.length / (middle(ofType(model, 'Conv')).inputs[1]?.initializer?.shape[0] ?? 1);
    const first = w.slice(0, size);
    w.copyWithin(0, size, 2 * size);
    w.set(first, size);
  });

const missingRelu: Fault = (model, edit) => {
  const relu = middle(ofType(model, 'Relu'));
  const [x] = relu.inputs;
  const [y] = relu.outputs;
  if (x && y) edit.replaceUses(y, x);
};

const halfWeights: Fault = (model, edit) => {
  for (const node of ofType(model, 'Conv'))
    changeWeights(edit, node.inputs[1], (w) => w.forEach((v, i) => (w[i] = halfToNumber(numberToHalf(v)))));
};

const biasOff: Fault = (model, edit) =>
  changeWeights(edit, middle(ofType(model, 'BatchNormalization')).inputs[2], (b) => {
    const largest = b.reduce((best, v, i) => (Math.abs(v) > Math.abs(b[best] ?? 0) ? i : best), 0);
    b[largest] = (b[largest] ?? 0) * 1.01;
  });

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['a wrong epsilon in one layer', wrongEpsilon],
  ['two channels swapped', swappedChannels],
  ['a missing ReLU', missingRelu],
  ['weights rounded to float16', halfWeights],
];

function faultTests(faults: readonly (readonly [string, Fault])[], reference: () => Model): void {
  test.each(faults)('%s is seen', async (_what, put) => {
    const candidate = cloneModel(reference());
    const edit = new Editor(candidate);
    put(candidate, edit);
    const report = await compareModels(reference(), candidate, { runner: process, runs: 2 });
    expect(report.verdict).toBe('mismatch');
    expect(report.first).toBeDefined();
  });

  test('the same network passes', async () => {
    const candidate = cloneModel(reference());
    const report = await compareModels(reference(), candidate, { runner: process, runs: 2 });
    expect(report).toMatchObject({ verdict: 'match', warnings: [] });
  });
}

describe('in the article’s small network', () => {
  let model: Model;
  beforeAll(() => {
    model = buildArchitecture(findVariant('mnist_net'), { init: { kind: 'golden' }, batch: 'n' }).model;
  });
  faultTests([...FAULTS, ['one bias off by 1 %', biasOff]], () => model);
});

/** A narrow ResNeXt of 26 layers; and under CNNX_FULL ResNet-18, whose weights take several times as long to write and load. */
const NETWORKS = [
  { name: 'resnext_cifar_2_2_2_2', config: { innerWidth: 32, groups: 8 } },
  ...(isFull ? [{ name: 'resnet18', config: { imageSize: 96 } }] : []),
];

for (const { name, config } of NETWORKS)
  describe(`in ${name}`, () => {
    const build = (init: Init): Model => buildArchitecture(findVariant(name), { init, config }).model;
    let model: Model;
    beforeAll(() => {
      const varScale = goldenVarScale(readGolden(name));
      model = build({ kind: 'golden', varScale });
    });
    faultTests(FAULTS, () => model);

    test('the layer and the channel are named', async () => {
      const candidate = cloneModel(model);
      const edit = new Editor(candidate);
      const norm = ofType(candidate, 'BatchNormalization')[8];
      changeWeights(edit, norm?.inputs[1], (scale) => (scale[5] = (scale[5] ?? 0) * 1.5));
      const report = await compareModels(model, candidate, { runner: process, runs: 1 });
      expect(report.first).toMatchObject({ op: 'BatchNormalization', node: norm?.name, channel: 5 });
    });

    test('fresh weights are no evidence, and the report says so', async () => {
      const fresh = build({ kind: 'original', seed: 1 });
      const report = await compareModels(fresh, cloneModel(fresh), { runner: process, runs: 1 });
      const all = ofType(fresh, 'BatchNormalization').length;
      expect(all).toBeGreaterThan(18);
      expect(report.warnings).toEqual([expect.stringContaining(`all ${all} BatchNormalizations are identities`)]);
    });
  });
