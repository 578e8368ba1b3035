import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { tensorType } from '../../src/graph/types.js';
import { openDataset } from '../../src/node/files/dataset.js';
import { startRunner } from '../../src/node/machine/process-runner.js';
import { inferAt, placeFor, quantize } from '../../src/passes/qdq/quantize.js';
import { watchesFor } from '../../src/passes/qdq/watches.js';
import { observe } from '../../src/running/observe.js';
import { parseGraph } from '../../src/text/parse.js';
import type { Dataset } from '../../src/running/dataset.js';
import type { Runner } from '../../src/running/runner.js';
import { quantizeModel } from '../../src/tasks/quantize.js';
import { randomData } from '../../src/running/random-data.js';
import { compareQuantized } from '../../src/verify/quantized.js';
import { float32Tensor } from '../../src/tensor/tensor.js';

let runner: Runner;
let folder: string;
beforeAll(() => {
  runner = startRunner();
  folder = mkdtempSync(join(tmpdir(), 'cnnx-quantize-'));
});
afterAll(() => {
  runner.close();
  rmSync(folder, { recursive: true, force: true });
});

const quantized = async (model: Model, more: Partial<Parameters<typeof quantizeModel>[1]> = {}) =>
  quantizeModel(model, {
    runner,
    startRunner,
    calibration: await randomData(model, 16, 3, runner),
    // What is measured in milliseconds on a busy machine is no test.
    target: 'openvino',
    ...more,
  });

const operators = (model: Model): string[] => [...model.graph.nodes()].map((n) => n.opType);

const NET = `(x: float32[1,3,16,16]) -> (y)
  a = Conv<pads=[1,1,1,1]>(x, w1: float32[8,3,3,3], b1: float32[8])
  r = Relu(a)
  d = Conv@depthwise<pads=[1,1,1,1], group=8>(r, w2: float32[8,1,3,3], b2: float32[8])
  c = Clip(d, low: float32[] = [0], high: float32[] = [6])
  s = Add(c, r)
  h = HardSwish(s)
  m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(h)
  t = Concat<axis=1>(m, m)
  p = Conv(t, w3: float32[16,16,1,1])
  g = GlobalAveragePool(p)
  f = Flatten(g)
  y = Gemm<transB=1>(f, w4: float32[10,16], b4: float32[10])`;

describe('a small network', () => {
  test('runs in integers from the input to the logits, which stay float', async () => {
    const { model, measured, overflow, layers } = await quantized(parseGraph(NET));
    expect(operators(model)).not.toContain('Relu');
    expect(operators(model)).not.toContain('Clip');
    expect(operators(model)).not.toContain('HardSwish');
    expect(layers.filter((l) => l.float !== undefined)).toEqual([]);
    expect(overflow.proven).toBe(true);
    // Means over noise hardly differ from one input to the next: there is little signal.
    expect(measured.sqnr.get('y')).toBeGreaterThan(8);
    const session = await runner.load(model, { kernels: true, threads: 1 });
    await session.run(new Map([['x', float32Tensor([1, 3, 16, 16], new Float32Array(768).fill(0.3))]]));
    const kernels = (await session.release()).map((k) => k.op);
    // Nothing between the input's QuantizeLinear and the product with float results computes in float.
    expect(
      kernels.filter((op) => /^(Conv|FusedConv|Add|Mul|Concat|HardSwish|DequantizeLinear|Relu|Clip)$/.test(op)),
    ).toEqual([]);
    expect(kernels.filter((op) => op === 'QLinearConv')).toHaveLength(3);
  });

  test('a model without layers that can be quantised is refused', async () => {
    const model = parseGraph('(x: float32[1,3,8,8]) -> (y)\n y = Relu(x)');
    await expect(quantized(model)).rejects.toMatchObject({ code: 'quantize/nothing' });
  });

  test('what a bound asks for and int8 does not give is said, and is no error', async () => {
    const { reason } = await quantized(parseGraph(NET), { minSqnr: 200 });
    expect(reason).toMatch(/less than the 200 asked for/);
  });
});

describe('datasets', () => {
  const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8);
  const classes = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9);

  test('an IDX file and its classes', async () => {
    writeFileSync(join(folder, 'images'), images);
    writeFileSync(join(folder, 'classes'), classes);
    const data: Dataset = openDataset(join(folder, 'images'), {
      input: 'x',
      rank: 4,
      truth: join(folder, 'classes'),
      fromImage: (image) =>
        float32Tensor(
          [1, 1, image.height, image.width],
          Array.from({ length: 4 }, (_, i) => image.data[3 * i] ?? 0),
        ),
    });
    const item = await data.item(1);
    expect(data.count).toBe(2);
    expect(item.label).toBe(9);
    expect([...(item.feeds.get('x')?.bytes() ?? [])]).toEqual([...float32Tensor([4], [5, 6, 7, 8]).bytes()]);
  });

  test('more classes than items', () => {
    writeFileSync(join(folder, 'three'), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 1));
    expect(() => openDataset(join(folder, 'images'), { input: 'x', rank: 4, truth: join(folder, 'three') })).toThrow(
      expect.objectContaining({
        code: 'data/unreadable',
        message: expect.stringMatching(/3 classes for 2 items/) as string,
      }),
    );
  });
});

describe('what is wrong with calibration data is said', () => {
  /** Sums of smooth waves, as photographs are smooth; red stronger than blue. */
  const wave = (n: number, at: number, channel: number): number =>
    (1 - 0.8 * channel) * (1 + Math.sin((n + 1) * 0.37 + at * 0.11)) + 0.3 * Math.cos(at * 0.05 * (channel + 1) + n);
  const images = (count: number, change: (v: number) => number = (v) => v, order = [0, 1, 2]): Dataset => ({
    count,
    description: 'waves',
    item: (n) =>
      Promise.resolve({
        name: String(n),
        label: undefined,
        feeds: new Map([
          [
            'x',
            float32Tensor(
              [1, 3, 16, 16],
              Float32Array.from({ length: 768 }, (_, i) => change(wave(n, i % 256, order[Math.floor(i / 256)] ?? 0))),
            ),
          ],
        ]),
      }),
  });

  /** A network whose BatchNormalization has the statistics of these images. */
  async function trained(): Promise<Model> {
    const body = (mean: readonly number[], variance: readonly number[]): string => `(x: float32[1,3,16,16]) -> (y)
      a = Conv(x, w: float32[4,3,1,1] = [1,0,0, 0,1,0, 0,0,1, 0.5,0.2,0.1])
      n = BatchNormalization(a, s: float32[4] = [1,1,1,1], b: float32[4] = [0.5,0.5,0.5,0.5], m: float32[4] = [${mean.join()}], v: float32[4] = [${variance.join()}])
      r = Relu(n)
      y = Conv(r, w2: float32[2,4,1,1])`;
    const watched = parseGraph(body([0, 0, 0, 0], [1, 1, 1, 1]).replace('-> (y)', '-> (y, a)'));
    const session = await runner.load(watched, { threads: 1 });
    const sums = Array.from({ length: 4 }, () => ({ sum: 0, squares: 0, count: 0 }));
    const data = images(32);
    for (let n = 0; n < data.count; n++) {
      const out = await session.run((await data.item(n)).feeds);
      new Float32Array(Uint8Array.from(out.get('a')?.bytes() ?? []).buffer).forEach((v, i) => {
        const of = sums[Math.floor(i / 256)];
        if (of) Object.assign(of, { sum: of.sum + v, squares: of.squares + v * v, count: of.count + 1 });
      });
    }
    const means = sums.map((s) => s.sum / s.count);
    return parseGraph(
      body(
        means,
        sums.map((s, c) => s.squares / s.count - (means[c] ?? 0) ** 2),
      ),
    );
  }

  const warningsOf = async (calibration: Dataset): Promise<readonly string[]> =>
    (await quantized(await trained(), { calibration })).warnings;

  test('images like those of training: nothing', async () => {
    expect(await warningsOf(images(40))).toEqual([]);
  });

  test.each([
    ['blue first', images(40, undefined, [2, 1, 0]), /colours in the other order/],
    ['0..255', images(40, (v) => 127 + 60 * v), /pixels of 0 to 255/],
    ['another contrast', images(40, (v) => 4 * v - 2), /not like those the model was trained on/],
    ['one image', images(1), /ranges come from 1 image:/],
  ])('%s', async (_what, data, message) => {
    expect(await warningsOf(data)).toContainEqual(expect.stringMatching(message));
  });

  test('noise', async () => {
    const model = parseGraph(NET);
    const { warnings } = await quantized(model, { calibration: await randomData(model, 20, 1, runner), random: false });
    expect(warnings).toContainEqual(expect.stringMatching(/this is noise, not images/));
  });
});

describe('two models compared', () => {
  test('float and int8, int8 and itself, int8 and one with a wrong scale', async () => {
    const float = parseGraph(NET);
    const { model } = await quantized(float);
    const data = await randomData(float, 12, 9, runner);
    const near = await compareQuantized(float, model, { runner, data, minSqnr: 5, minAgreement: 50 });
    expect(near).toMatchObject({ kind: 'float and int8', verdict: 'match' });
    expect(near.layers.length).toBeGreaterThan(4);
    const order = near.layers.map((l) => l.sqnr ?? Number.POSITIVE_INFINITY);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const same = await compareQuantized(model, cloneModel(model), { runner, data });
    expect(same).toMatchObject({ kind: 'int8 and int8', verdict: 'match', outputs: [{ name: 'y', sqnr: null }] });
    const broken = cloneModel(model);
    const scale = [...broken.graph.nodes()].find((n) => n.opType === 'DequantizeLinear' && n.name?.startsWith('w3'))
      ?.inputs[1];
    if (!scale?.initializer) throw new Error('no scale');
    new Editor(broken).setInitializer(
      scale,
      float32Tensor(
        scale.initializer.shape,
        Array.from({ length: 16 }, (_, i) => 0.01 * (i + 1)),
      ),
    );
    const far = await compareQuantized(float, broken, { runner, data });
    expect(far.verdict).toBe('mismatch');
  });
});

describe('layers that stay float', () => {
  test('are not quantised again by onnxruntime', async () => {
    const model = parseGraph(NET);
    const data = await randomData(model, 16, 3, runner);
    const first = await data.item(0);
    const inputs = new Map([['x', tensorType('float32', first.feeds.get('x')?.shape ?? [])]]);
    const float = cloneModel(model);
    inferAt(float, inputs);
    const recipe = { activations: 'uint8', safe: true, trim: 0, correctBiases: true, compensate: true } as const;
    const placement = placeFor(float, { float: new Set(), activations: 'uint8' });
    const statistics = await observe(float, watchesFor(placement), data, runner);
    const { model: mixed } = quantize(float, inputs, statistics, { ...recipe, float: new Set(['depthwise']) });
    const session = await runner.load(mixed, { kernels: true, threads: 1 });
    await session.run(first.feeds);
    const kernels = (await session.release()).map((k) => k.op);
    expect(kernels.filter((op) => op === 'QLinearConv')).toHaveLength(2);
    expect(kernels.filter((op) => op.endsWith('Conv') && op !== 'QLinearConv')).toHaveLength(1);
  });
});
