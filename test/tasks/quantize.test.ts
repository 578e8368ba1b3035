import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Model } from '../../src/graph/ir.js';
import { openDataset } from '../../src/node/files/dataset.js';
import { startRunner } from '../../src/node/machine/process-runner.js';
import { parseGraph } from '../../src/text/parse.js';
import type { Dataset } from '../../src/running/dataset.js';
import type { Runner } from '../../src/running/runner.js';
import { quantizeModel } from '../../src/tasks/quantize.js';
import { randomData } from '../../src/tasks/quantize-data.js';
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
  d = Conv<pads=[1,1,1,1], group=8>(r, w2: float32[8,1,3,3], b2: float32[8])
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
    expect(measured.sqnr.get('y')).toBeGreaterThan(15);
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
