import { expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import type { Distribution } from '../../src/builders/distributions.js';
import { originalFill } from '../../src/builders/original.js';
import { rowsOf } from '../../src/builders/params.js';
import { Threefry } from '../../src/builders/threefry.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { asFloat32 } from '../../src/tensor/tensor.js';
import { distance, LARGEST_DISTANCE, normalCdf } from '../support/distributions.js';

// Known answers of the generator's authors (Random123, kat_vectors, threefry2x32 20).
test.each([
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [-1, -1],
    [-1, -1],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
] as const)('Threefry: key %j, counter %j', (key, counter, words) => {
  const stream = new Threefry(key[0], key[1]);
  stream.at(counter[0], counter[1]);
  expect([stream.x0 >>> 0, stream.x1 >>> 0]).toEqual(words);
});

function cdf(distribution: Exclude<Distribution, { kind: 'constant' }>): (x: number) => number {
  switch (distribution.kind) {
    case 'uniform':
      return (x) => Math.min(1, Math.max(0, (x + distribution.bound) / (2 * distribution.bound)));
    case 'normal':
      return (x) => normalCdf(x / distribution.std);
    case 'truncated-normal': {
      const low = normalCdf(distribution.low / distribution.std);
      const high = normalCdf(distribution.high / distribution.std);
      return (x) => Math.min(1, Math.max(0, (normalCdf(x / distribution.std) - low) / (high - low)));
    }
  }
}

const relu = Math.SQRT2;

// Each kind of parameter of each family, with the distribution that PyTorch's code for it states.
test.each([
  ['resnet50', 'layer3.0.conv2.weight', { kind: 'normal', std: relu / Math.sqrt(256 * 9) }],
  ['resnet50', 'fc.weight', { kind: 'uniform', bound: 1 / Math.sqrt(2048) }],
  ['resnet50', 'fc.bias', { kind: 'uniform', bound: 1 / Math.sqrt(2048) }],
  ['resnext50_32x4d', 'layer3.0.conv2.weight', { kind: 'normal', std: relu / Math.sqrt(512 * 9) }],
  ['vgg11', 'features.8.weight', { kind: 'normal', std: relu / Math.sqrt(256 * 9) }],
  ['vgg11', 'classifier.6.weight', { kind: 'normal', std: 0.01 }],
  ['alexnet', 'features.3.weight', { kind: 'uniform', bound: 1 / Math.sqrt(64 * 25) }],
  ['alexnet', 'features.3.bias', { kind: 'uniform', bound: 1 / Math.sqrt(64 * 25) }],
  ['alexnet', 'classifier.6.weight', { kind: 'uniform', bound: 1 / Math.sqrt(4096) }],
  ['googlenet', 'inception4a.branch2.1.conv.weight', { kind: 'truncated-normal', std: 0.01, low: -2, high: 2 }],
  ['googlenet', 'fc.weight', { kind: 'truncated-normal', std: 0.01, low: -2, high: 2 }],
  ['inception_v3', 'Mixed_5b.branch3x3dbl_2.conv.weight', { kind: 'truncated-normal', std: 0.1, low: -2, high: 2 }],
  ['inception_v3', 'AuxLogits.fc.weight', { kind: 'truncated-normal', std: 0.001, low: -2, high: 2 }],
  ['inception_v3', 'fc.weight', { kind: 'truncated-normal', std: 0.1, low: -2, high: 2 }],
  ['densenet121', 'features.denseblock1.denselayer2.conv2.weight', { kind: 'normal', std: relu / Math.sqrt(128 * 9) }],
  ['densenet121', 'classifier.weight', { kind: 'uniform', bound: 1 / Math.sqrt(1024) }],
  ['regnet_y_400mf', 'trunk_output.block3.block3-1.f.b.0.weight', { kind: 'normal', std: relu / Math.sqrt(208 * 9) }],
  ['regnet_y_400mf', 'trunk_output.block3.block3-1.f.se.fc1.bias', { kind: 'uniform', bound: 1 / Math.sqrt(208) }],
  ['regnet_y_400mf', 'fc.weight', { kind: 'normal', std: 0.01 }],
  ['mobilenet_v2', 'features.18.0.weight', { kind: 'normal', std: relu / Math.sqrt(1280) }],
  ['mobilenet_v3_small', 'classifier.3.weight', { kind: 'normal', std: 0.01 }],
  ['efficientnet_b0', 'features.8.0.weight', { kind: 'normal', std: relu / Math.sqrt(1280) }],
  ['efficientnet_b0', 'classifier.1.weight', { kind: 'uniform', bound: 1 / Math.sqrt(1000) }],
  ['mnasnet0_5', 'classifier.1.weight', { kind: 'uniform', bound: Math.sqrt(3 / 1000) }],
  ['squeezenet1_1', 'features.12.expand3x3.weight', { kind: 'uniform', bound: Math.sqrt(6 / (64 * 9)) }],
  ['squeezenet1_1', 'classifier.1.weight', { kind: 'normal', std: 0.01 }],
  ['shufflenet_v2_x1_0', 'conv5.0.weight', { kind: 'uniform', bound: 1 / Math.sqrt(464) }],
  ['convnext_tiny', 'features.1.0.block.3.weight', { kind: 'truncated-normal', std: 0.02, low: -2, high: 2 }],
  ['acnet', 'features.3.ac1.weight', { kind: 'uniform', bound: 1 / Math.sqrt(32 * 3) }],
  ['acnet', 'classifier.1.weight', { kind: 'uniform', bound: 1 / Math.sqrt(3136) }],
] as const)('%s: %s follows %o', (name, key, distribution) => {
  const built = buildArchitecture(findVariant(name), { init: { kind: 'original', seed: 1 } });
  const tensor = built.model.graph.values.get(key)?.initializer;
  if (!tensor) throw new Error(`no ${key}`);
  // The first rows of a large tensor are a sample as good as all of it, and quicker to draw and to sort.
  const [all = 0, ...rest] = tensor.shape;
  const rows = Math.min(all, Math.ceil(200_000 / elementCount(rest)));
  const sample = asFloat32(rowsOf(tensor, 0, rows)).subarray(0, 200_000);
  expect(distance(sample, cdf(distribution))).toBeLessThan(LARGEST_DISTANCE);
  const n = sample.length;
  const mean = sample.reduce((s, x) => s + x, 0) / n;
  const deviation = Math.sqrt(sample.reduce((s, x) => s + (x - mean) ** 2, 0) / n);
  const expected = distribution.kind === 'uniform' ? distribution.bound / Math.sqrt(3) : distribution.std;
  expect(Math.abs(mean)).toBeLessThan((4 * expected) / Math.sqrt(n));
  expect(Math.abs(deviation / expected - 1)).toBeLessThan(4 / Math.sqrt(n));
  if (distribution.kind === 'uniform')
    expect(sample.every((x) => Math.abs(x) <= Math.fround(distribution.bound))).toBe(true);
});

test.each([
  ['resnet50', 'bn1.weight', 1],
  ['resnet50', 'bn1.bias', 0],
  ['resnet50', 'bn1.running_mean', 0],
  ['resnet50', 'bn1.running_var', 1],
  ['vgg11', 'features.0.bias', 0],
  ['vgg11', 'classifier.0.bias', 0],
  ['densenet121', 'classifier.bias', 0],
  ['regnet_y_400mf', 'fc.bias', 0],
  ['efficientnet_b0', 'classifier.1.bias', 0],
  ['squeezenet1_1', 'features.12.expand3x3.bias', 0],
  ['convnext_tiny', 'features.1.0.layer_scale', Math.fround(1e-6)],
])('%s: %s starts at %d', (name, key, value) => {
  const tensor = buildArchitecture(findVariant(name)).model.graph.values.get(key)?.initializer;
  expect(tensor && new Set(asFloat32(tensor))).toEqual(new Set([value]));
});

test('--zero-init-residual zeroes the last scale of each block, and nothing else', () => {
  const built = buildArchitecture(findVariant('resnet50'), { config: { zeroInitResidual: true } });
  const zero = built.stateDict.filter(
    (p) => p.kind === 'norm.weight' && p.distribution.kind === 'constant' && p.distribution.value === 0,
  );
  expect(zero.map((p) => p.name)).toHaveLength(16);
  expect(zero.every((p) => p.name.endsWith('.bn3.weight'))).toBe(true);
});

test('a truncated distribution keeps within its limits, and has its shape there', () => {
  const distribution = { kind: 'truncated-normal', std: 1, low: -0.5, high: 1.5 } as const;
  const out = new Float32Array(100_000);
  originalFill(3)(out, { name: 'w', dtype: 'float32', shape: [out.length], kind: 'conv.weight', distribution }, 0);
  expect(out.every((x) => x >= distribution.low && x <= distribution.high)).toBe(true);
  expect(distance(out, cdf(distribution))).toBeLessThan(LARGEST_DISTANCE);
});

test.each([
  { kind: 'uniform', bound: 1 },
  { kind: 'normal', std: 1 },
  { kind: 'truncated-normal', std: 1, low: -1, high: 1 },
] as const)('$kind: any part of a tensor can be drawn by itself; seeds and names change everything', (distribution) => {
  const draw = (seed: number, name: string, from: number, count: number): Float32Array => {
    const out = new Float32Array(count);
    originalFill(seed)(out, { name, dtype: 'float32', shape: [1000], kind: 'conv.weight', distribution }, from);
    return out;
  };
  const whole = draw(5, 'a', 0, 1000);
  expect(draw(5, 'a', 333, 100)).toEqual(whole.slice(333, 433));
  for (const other of [draw(6, 'a', 0, 1000), draw(5, 'b', 0, 1000), draw(5 + 2 ** 32, 'a', 0, 1000)]) {
    const correlation = other.reduce((s, x, i) => s + x * (whole[i] ?? 0), 0) / whole.reduce((s, x) => s + x * x, 0);
    expect(Math.abs(correlation)).toBeLessThan(0.15);
  }
});
