import { beforeAll, describe, expect, test } from 'vitest';
import {
  type BuildOptions,
  type Built,
  buildArchitecture,
  HIGHEST_OPSET,
  LOWEST_OPSET,
  setWeights,
} from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { goldenStream } from '../../src/builders/golden.js';
import { concat } from '../../src/base/bytes.js';
import { Editor } from '../../src/graph/edit.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { asFloat32, asFloat64, float32Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { goldenInput, runBuilt } from '../support/goldens.js';

const golden = { init: { kind: 'golden' } } as const;
const build = (name: string, options: BuildOptions = {}): Built =>
  buildArchitecture(findVariant(name), { ...golden, ...options });
const ops = (built: Built): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const node of built.model.graph.nodes()) counts[node.opType] = (counts[node.opType] ?? 0) + 1;
  return counts;
};
const inputOf = (built: Built): Tensor => {
  const type = built.model.graph.inputs[0]?.type;
  return goldenInput(type?.kind === 'tensor' ? (type.shape ?? []).map(Number) : []);
};

type Outputs = ReadonlyMap<string, Tensor>;
const outputsOf = (built: Built): Promise<Outputs> => runBuilt(built, inputOf(built));

function expectClose(left: Outputs, right: Outputs): void {
  for (const [name, tensor] of right) {
    const found = asFloat64(left.get(name) ?? float32Tensor([], [Number.NaN]));
    const expected = asFloat64(tensor);
    const norm = Math.sqrt(expected.reduce((s, x) => s + x * x, 0));
    const off = Math.sqrt(expected.reduce((s, x, i) => s + (x - (found[i] ?? Number.NaN)) ** 2, 0));
    expect(norm).toBeGreaterThan(0);
    expect(off / norm).toBeLessThan(1e-5);
  }
}

/** What a network's asymmetric blocks add up to, by hand: k x k kernels and biases under the replaced convolutions' names. */
function merged(built: Built): Map<string, Tensor> {
  const values = new Map(built.stateDict.map((p) => [p.name, p]));
  const read = (name: string): Float64Array =>
    asFloat64(built.model.graph.values.get(name)?.initializer ?? float32Tensor([], [Number.NaN]));
  const out = new Map<string, Tensor>();
  for (const name of values.keys()) {
    const base = /^(.*)\.square_conv\.weight$/.exec(name)?.[1];
    if (base === undefined) continue;
    const shape = values.get(name)?.shape ?? [];
    const [m = 0, c = 0, k = 0] = shape;
    const kernel = new Float64Array(m * c * k * k);
    const bias = new Float64Array(m);
    const middle = (k - 1) / 2;
    for (const branch of ['square', 'ver', 'hor']) {
      const w = read(`${base}.${branch}_conv.weight`);
      const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((p) =>
        read(`${base}.${branch}_bn.${p}`),
      );
      for (let o = 0; o < m; o++) {
        const scale = (gamma?.[o] ?? Number.NaN) / Math.sqrt((variance?.[o] ?? Number.NaN) + Math.fround(1e-5));
        bias[o] = (bias[o] ?? 0) + (beta?.[o] ?? 0) - scale * (mean?.[o] ?? 0);
        for (let i = 0; i < c; i++)
          for (let y = 0; y < k; y++)
            for (let x = 0; x < k; x++) {
              const at = ((o * c + i) * k + y) * k + x;
              const from = o * c + i;
              let value = 0;
              if (branch === 'square') value = w[at] ?? Number.NaN;
              else if (branch === 'ver' && x === middle) value = w[from * k + y] ?? Number.NaN;
              else if (branch === 'hor' && y === middle) value = w[from * k + x] ?? Number.NaN;
              kernel[at] = (kernel[at] ?? 0) + scale * value;
            }
      }
    }
    out.set(`${base}.weight`, float32Tensor(shape, Float32Array.from(kernel)));
    out.set(`${base}.bias`, float32Tensor([m], Float32Array.from(bias)));
  }
  return out;
}

// No padding, and k // 2; and an 11x11 kernel with stride 4 whose padding of 2 does not reach the companions' middle.
test.each([
  ['squeezenet1_1', { imageSize: 64, numClasses: 10 }],
  ['alexnet', { filters: [8, 8, 16, 8, 8], imageSize: 127, numClasses: 10 }],
])('--acb of %s computes what the merged kernels do', async (name, config) => {
  const acb = build(name, { config, acb: 'authors' });
  const plain = build(name, { config });
  const weights = merged(acb);
  expect(weights.size).toBeGreaterThan(0);
  setWeights(plain, weights);
  expectClose(await outputsOf(acb), await outputsOf(plain));
});

test('--acb bears the names of its authors, and takes the BatchNormalization in', () => {
  const names = build('resnet18', { acb: 'authors' }).stateDict.map((p) =>
    p.name.replace(/\.(weight|bias|running_\w+|num_\w+)$/, ''),
  );
  const first = [...new Set(names)].filter((n) => n.startsWith('layer2.0'));
  const branches = (conv: string): string[] =>
    ['square_conv', 'square_bn', 'ver_conv', 'hor_conv', 'ver_bn', 'hor_bn'].map((b) => `layer2.0.${conv}.${b}`);
  expect([...first].sort()).toEqual(
    [...branches('conv1'), ...branches('conv2'), 'layer2.0.downsample.0', 'layer2.0.downsample.1'].sort(),
  );
});

test('--acb leaves 1x1, 1x7 and even kernels alone', () => {
  const replaced = (name: string): string[] =>
    build(name, { acb: 'authors' })
      .stateDict.filter((p) => p.name.endsWith('square_conv.weight'))
      .map((p) => p.shape.slice(2).join('x'));
  expect(new Set(replaced('inception_v3'))).toEqual(new Set(['3x3', '5x5']));
});

test('--acb of a network whose convolutions are blocks already is refused', () => {
  expect(() => build('acnet', { acb: 'authors' })).toThrow(/asymmetric blocks already/);
});

test('--acb plain of mnist_net is acnet', () => {
  const plain = build('mnist_net', { acb: 'plain' });
  const acnet = build('acnet');
  expect(plain.stateDict.map((p) => [p.name, p.shape])).toEqual(acnet.stateDict.map((p) => [p.name, p.shape]));
  expect(ops(plain)).toEqual(ops(acnet));
  expect(ops(acnet)).toMatchObject({ Conv: 12, Div: 4, Add: 8, BatchNormalization: 6, Gemm: 3 });
});

test.each([
  ['resnext_cifar_2_2_2_2', {}],
  ['alexnet', { groups: 2, filters: [8, 8, 16, 8, 8], imageSize: 127, numClasses: 10 }],
])('--form paths of %s computes what grouped convolutions do', async (name, config) => {
  const [paths, grouped] = [build(name, { config, form: 'paths' }), build(name, { config })];
  expect(paths.stateDict.map((p) => [p.name, p.shape])).toEqual(grouped.stateDict.map((p) => [p.name, p.shape]));
  expect([...paths.model.graph.nodes()].some((n) => n.attrs.has('group'))).toBe(false);
  expect(ops(paths)['Split']).toBe([...grouped.model.graph.nodes()].filter((n) => n.attrs.has('group')).length);
  expectClose(await outputsOf(paths), await outputsOf(grouped));
});

describe('of a small ResNeXt', () => {
  const config = { layers: [1, 1, 1, 1], innerWidth: 32, groups: 2 };
  let expected: Outputs;
  beforeAll(async () => {
    expected = await outputsOf(build('resnext_cifar_2_2_2_2', { config }));
  });

  const opsets = Array.from({ length: HIGHEST_OPSET - LOWEST_OPSET + 1 }, (_, i) => LOWEST_OPSET + i);
  test.each(opsets)('opset %d computes what the default does', async (opset) => {
    const at = build('resnext_cifar_2_2_2_2', { opset, config, form: 'paths' });
    expect(at.model.opset('')).toBe(opset);
    expectClose(await outputsOf(at), expected);
  });
});

test.each([
  ['convnext_tiny', { widths: [8, 16], depths: [1, 1], imageSize: 32 }, [13, 16, 17, 18, 26]],
  ['mobilenet_v3_small', { imageSize: 64 }, [13, 14, 22, 26]],
  ['shufflenet_v2_x0_5', { imageSize: 64 }, [13, 18, 26]],
  ['googlenet', { imageSize: 97 }, [13, 26]],
])('%s computes the same at all opsets', async (name, config, opsets) => {
  const expected = await outputsOf(build(name, { config }));
  for (const opset of opsets) expectClose(await outputsOf(build(name, { opset, config })), expected);
});

test('onnxruntime loads no opset beyond the highest that can be built', async () => {
  const built = build('mnist_net', { opset: HIGHEST_OPSET });
  new Editor(built.model).setHeader({ opsetImports: [{ domain: '', version: BigInt(HIGHEST_OPSET + 1) }] });
  await expect(createSession(concat(writeOnnx(built.model)))).rejects.toThrow(/opset/);
  expect(() => build('mnist_net', { opset: HIGHEST_OPSET + 1 })).toThrow(/13 to 26/);
});

test('an open batch size takes several images at once', async () => {
  const one = build('acnet');
  const open = build('acnet', { batch: 'N' });
  const data = new Float32Array(3 * 28 * 28);
  goldenStream(data, 'input', 0, 1);
  const together = asFloat32(
    (await runBuilt(open, float32Tensor([3, 1, 28, 28], data))).get('logits') ?? float32Tensor([], [0]),
  );
  const third = data.slice(2 * 28 * 28);
  const alone = asFloat32(
    (await runBuilt(one, float32Tensor([1, 1, 28, 28], third))).get('logits') ?? float32Tensor([], [0]),
  );
  expect(together).toHaveLength(30);
  for (const [i, x] of alone.entries()) expect(together[20 + i]).toBeCloseTo(x, 4);
});

test('the model says what it is and how images become inputs', () => {
  const { model } = build('resnet50', { config: { imageSize: 288 } });
  const metadata = new Map(model.metadata.map((m) => [m.key, m.value]));
  expect(model.irVersion).toBe(8n);
  expect(model.opset('')).toBe(17);
  expect(metadata.get('cnnx.architecture')).toBe('resnet50');
  expect(metadata.get('cnnx.init')).toBe('golden init v1');
  // 256 resized for 224 cropped is 329 for 288.
  expect(JSON.parse(metadata.get('cnnx.preprocess') ?? '')).toEqual({
    resize: 329,
    crop: 288,
    interpolation: 'bilinear',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
});
