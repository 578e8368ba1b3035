import { beforeAll, describe, expect, test } from 'vitest';
import { buildArchitecture, type Built, findVariant } from '../../src/builders/index.js';
import { asFloat32, asInt64, type Tensor } from '../../src/tensor/tensor.js';
import { Editor } from '../../src/graph/edit.js';
import { fuse } from '../../src/passes/fuse.js';
import { bindWeights, deployedStateDict } from '../../src/weights/index.js';
import { goldenInput } from '../support/goldens.js';
import { runInOrt } from '../support/equivalence.js';

const golden = { init: { kind: 'golden' } } as const;

async function logits(built: Built): Promise<Float64Array> {
  const shape = [
    1,
    Number(built.config['inChannels']),
    Number(built.config['imageSize']),
    Number(built.config['imageSize']),
  ];
  const outputs = await runInOrt(built.model, new Map([['input', goldenInput(shape)]]));
  const found = outputs.get('logits');
  if (!found) throw new Error('there are no logits');
  return Float64Array.from(found.data, Number);
}

function relativeL2(found: Float64Array, expected: Float64Array): number {
  const d = found.reduce((sum, v, i) => sum + (v - (expected[i] ?? 0)) ** 2, 0);
  return Math.sqrt(d / expected.reduce((sum, v) => sum + v * v, 0));
}

// A residual network, one with BatchNorms in front of convolutions, one with biased convolutions under BatchNorms, and the article's own.
const CASES = [
  ['resnet18', { imageSize: 64 }, 'authors', {}],
  ['resnet18', { imageSize: 64, layers: [1, 1, 1, 1], numClasses: 7 }, 'plain', {}],
  ['densenet121', { imageSize: 64, blockConfig: [2, 3, 2, 2] }, 'plain', {}],
  ['acnet', { numClasses: 3 }, undefined, { averaged: false }],
  ['acnet_bias_false', {}, undefined, { averaged: false }],
] as const;

describe.each(CASES)('%s %o with blocks %s, fused', (name, config, acb, plainly) => {
  const variant = findVariant(name);
  const blocks = buildArchitecture(variant, { config, acb, ...golden });
  let expected: Float64Array;
  beforeAll(async () => {
    expected = await logits(blocks);
    await fuse(blocks.model);
  });
  const ordinary = (): Built => buildArchitecture(variant, { config: { ...config, ...plainly } });

  test('loads strictly into the ordinary network, which then computes the same', async () => {
    const stateDict = deployedStateDict(blocks.model, 'torchvision');
    const plain = ordinary();
    const names = plain.stateDict.map((p) => p.name);
    expect([...stateDict.tensors.keys()].sort()).toEqual([...names].sort());
    expect(bindWeights(plain, stateDict)).toMatchObject({ mismatches: [], bound: names.length });
    expect(relativeL2(await logits(plain), expected)).toBeLessThan(2e-5);
  });

  test('as deployed: a bias on each convolution that had a BatchNorm, and no such BatchNorm', () => {
    const { tensors } = deployedStateDict(blocks.model, 'deploy');
    const full = deployedStateDict(blocks.model, 'torchvision').tensors;
    for (const [key, t] of tensors) {
      const norm = absorbedBy.get(key.replace(/\.bias$/, ''));
      const same = key.endsWith('.bias') && norm !== undefined ? full.get(`${norm}.bias`) : full.get(key);
      if (same) expect([key, sameBytes(t, same)]).toEqual([key, true]);
    }
    for (const [conv, norm] of absorbedBy) {
      expect(tensors.has(`${conv}.bias`)).toBe(full.has(`${conv}.weight`));
      if (full.has(`${norm}.weight`)) expect([...tensors.keys()].filter((k) => k.startsWith(`${norm}.`))).toEqual([]);
    }
  });
});

/** Some layers and the BatchNorms on them, by torchvision's code and the article's. */
const absorbedBy = new Map([
  ['layer1.0.conv1', 'layer1.0.bn1'],
  ['layer2.0.downsample.0', 'layer2.0.downsample.1'],
  ['features.denseblock1.denselayer1.conv1', 'features.denseblock1.denselayer1.norm2'],
  ...[0, 3, 7, 10].map((n) => [`features.${n}`, `features.${n + 1}`] as const),
  ...[1, 5].map((n) => [`classifier.${n}`, `classifier.${n + 1}`] as const),
]);

const sameBytes = (a: Tensor, b: Tensor): boolean => Buffer.from(a.bytes()).equals(Buffer.from(b.bytes()));

describe('what the BatchNorms of the ordinary network do', () => {
  test('nothing but add: weight sqrt(1 + eps), mean 0, variance 1, no batches', async () => {
    const config = { imageSize: 32, layers: [1, 1, 2, 1] };
    const built = buildArchitecture(findVariant('resnet18'), { config, acb: 'authors', ...golden });
    await fuse(built.model);
    const { tensors } = deployedStateDict(built.model, 'torchvision');
    const all = (name: string): number[] => [...new Set(asFloat32(tensors.get(name) ?? missing(name)))];
    expect(all('layer3.1.bn2.weight')).toEqual([Math.fround(Math.sqrt(1 + 1e-5))]);
    expect(all('layer3.1.bn2.running_mean')).toEqual([0]);
    expect(all('layer3.1.bn2.running_var')).toEqual([1]);
    expect([...asInt64(tensors.get('layer3.1.bn2.num_batches_tracked') ?? missing('counter'))]).toEqual([0n]);
    expect(all('layer3.1.bn2.bias').length).toBeGreaterThan(100);
  });
});

function missing(name: string): never {
  throw new Error(`${name} is missing`);
}

describe('what is refused', () => {
  test('a network that is not merged', () => {
    const { model } = buildArchitecture(findVariant('resnet18'), {
      config: { imageSize: 32 },
      acb: 'authors',
      ...golden,
    });
    expect(() => deployedStateDict(model, 'deploy')).toThrow(
      expect.objectContaining({
        code: 'weights/deploy',
        message: expect.stringContaining('several convolutions stand for conv1'),
        hint: expect.stringContaining('cnnx fuse'),
      }),
    );
  });

  test("a bias where the ordinary network has none: DenseNet's growing convolutions with the authors' blocks", async () => {
    const built = buildArchitecture(findVariant('densenet121'), {
      config: { imageSize: 32, blockConfig: [2, 2, 2, 2] },
      acb: 'authors',
      ...golden,
    });
    await fuse(built.model);
    expect(() => deployedStateDict(built.model, 'torchvision')).toThrow(
      expect.objectContaining({
        code: 'weights/deploy',
        message: expect.stringMatching(/denselayer1\.conv2 has a bias/),
        hint: expect.stringContaining('deploy'),
      }),
    );
    expect(deployedStateDict(built.model, 'deploy').tensors.has('features.denseblock1.denselayer1.conv2.bias')).toBe(
      true,
    );
  });

  test('a model that does not say what it is', () => {
    const { model } = buildArchitecture(findVariant('resnet18'), { config: { imageSize: 32 } });
    new Editor(model).setHeader({ metadata: [] });
    expect(() => deployedStateDict(model, 'torchvision')).toThrow(expect.objectContaining({ code: 'weights/deploy' }));
  });

  test('a model that is not what it says', () => {
    const { model } = buildArchitecture(findVariant('resnet18'), { config: { imageSize: 32 } });
    const metadata = [{ key: 'cnnx.architecture', value: 'resnet34' }];
    new Editor(model).setHeader({ metadata });
    expect(() => deployedStateDict(model, 'torchvision')).toThrow(
      expect.objectContaining({ code: 'weights/deploy', message: expect.stringMatching(/no layer layer1\.2\.conv1/) }),
    );
  });

  test('options in the metadata that are not JSON', () => {
    const { model } = buildArchitecture(findVariant('resnet18'), { config: { imageSize: 32 } });
    new Editor(model).setHeader({
      metadata: [
        { key: 'cnnx.architecture', value: 'resnet18' },
        { key: 'cnnx.config', value: '{' },
      ],
    });
    expect(() => deployedStateDict(model, 'torchvision')).toThrow(expect.objectContaining({ code: 'weights/deploy' }));
  });

  test('a model that was not fused at all is written as it is', () => {
    const built = buildArchitecture(findVariant('resnet18'), { config: { imageSize: 32 }, ...golden });
    const { tensors } = deployedStateDict(built.model, 'torchvision');
    expect([...tensors.keys()].sort()).toEqual(built.stateDict.map((p) => p.name).sort());
    const norm =
      built.stateDict.find((p) => p.name === 'bn1.weight')?.placements[0]?.value.initializer ?? missing('bn1');
    expect(sameBytes(tensors.get('bn1.weight') ?? missing('bn1'), norm)).toBe(true);
  });
});
