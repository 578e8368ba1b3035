import { describe, expect, test } from 'vitest';
import { buildArchitecture, type Built, findVariant } from '../../src/builders/index.js';
import type { StateDict } from '../../src/formats/state-dict.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { asFloat32, asFloat64, fromFloat64, int64Tensor, lazyTensor, type Tensor } from '../../src/tensor/tensor.js';
import { bindWeights } from '../../src/weights/index.js';

/** Every test builds its own: binding changes a network. */
const small = (name: string, config = {}, style = {}): Built =>
  buildArchitecture(findVariant(name), { config, ...style });

/** A checkpoint of a network's own names: entry k is filled with k. `change` may rename or drop one, or give other data. */
function checkpointOf(
  built: Built,
  change: (name: string, t: Tensor) => readonly [string, Tensor] | undefined = (n, t) => [n, t],
): StateDict {
  const entries = built.stateDict.flatMap(({ name, shape, dtype }, k) => {
    const t = dtype === 'int64' ? int64Tensor(shape, [k]) : filled(shape, k);
    const entry = change(name, t);
    return entry ? [entry] : [];
  });
  return { format: 'torch-zip', tensors: new Map(entries), metadata: new Map() };
}

const filled = (shape: readonly number[], value: number): Tensor =>
  lazyTensor('float32', shape, () => new Uint8Array(new Float32Array(elementCount(shape)).fill(value).buffer));

/** Entry k of the state dict holds k wherever the graph has it. */
function expectBound(built: Built): void {
  for (const [k, { placements }] of built.stateDict.entries()) {
    for (const { value } of placements) {
      const data = value.initializer;
      if (!data) throw new Error(`${value.name} has no data`);
      if (data.byteLength < 1e6) expect(new Set(asFloat32(data))).toEqual(new Set([k]));
    }
  }
}

const error = (action: () => unknown): { code: string; message: string; hint: string } => {
  try {
    action();
  } catch (e) {
    return e as never;
  }
  throw new Error('nothing was thrown');
};

describe('what binds', () => {
  test.each(['acnet', 'resnet18', 'densenet121', 'googlenet', 'inception_v3', 'vgg11_bn', 'alexnet'])(
    '%s to its own names',
    (name) => {
      const built = small(name);
      const report = bindWeights(built, checkpointOf(built));
      expect(report).toEqual({
        bound: built.stateDict.length,
        mismatches: [],
        ignored: [],
        converted: new Map(),
        notes: [],
      });
      expectBound(built);
    },
  );

  test('names with module. and _orig_mod. before them', () => {
    const built = small('resnet18');
    bindWeights(
      built,
      checkpointOf(built, (n, t) => [`module._orig_mod.${n}`, t]),
    );
    expectBound(built);
  });

  test('checkpoints from before num_batches_tracked', () => {
    const built = small('resnet18');
    const old = checkpointOf(built, (n, t) => (n.endsWith('num_batches_tracked') ? undefined : [n, t]));
    expect(bindWeights(built, old).mismatches).toEqual([]);
    expectBound(built);
  });

  test("DenseNet's names of before torch 0.4", () => {
    const built = small('densenet121');
    const old = checkpointOf(built, (n, t) => [n.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'), t]);
    expect([...old.tensors.keys()]).toContain('features.denseblock1.denselayer1.norm.1.weight');
    expect(bindWeights(built, old).mismatches).toEqual([]);
    expectBound(built);
  });

  test.each([
    ['googlenet', 'aux1.conv.conv.weight'],
    ['inception_v3', 'AuxLogits.conv0.conv.weight'],
  ])('%s without auxiliary classifiers, from a checkpoint with them', (name, key) => {
    const checkpoint = checkpointOf(small(name, { aux: true }));
    const built = small(name, { aux: false });
    const report = bindWeights(built, checkpoint);
    expect(report.mismatches).toEqual([]);
    expect(report.ignored).toContain(key);
    expect(report.bound).toBe(built.stateDict.length);
  });

  test.each(['authors', 'plain'] as const)("ACNet's blocks under the names of %s", (acb) => {
    const built = small('resnet18', {}, { acb });
    const names = built.stateDict.map((p) => p.name);
    const expected =
      acb === 'authors'
        ? ['square_conv', 'hor_conv', 'ver_conv', 'square_bn', 'hor_bn', 'ver_bn']
        : ['conv', 'ac1', 'ac2'];
    for (const part of expected) expect(names).toContain(`layer1.0.conv1.${part}.weight`);
    bindWeights(built, checkpointOf(built));
    expectBound(built);
  });

  test('grouped convolutions written as paths get their rows', () => {
    const built = small('resnext50_32x4d', {}, { form: 'paths' });
    const name = 'layer1.0.conv2.weight';
    const rows = (shape: readonly number[]): Tensor =>
      lazyTensor(
        'float32',
        shape,
        () => new Uint8Array(Float32Array.from({ length: elementCount(shape) }, (_, i) => i).buffer),
      );
    bindWeights(
      built,
      checkpointOf(built, (n, t) => [n, n === name ? rows(t.shape) : t]),
    );
    const param = built.stateDict.find((p) => p.name === name);
    expect(param?.placements).toHaveLength(32);
    const all = param?.placements.flatMap(({ value }) => (value.initializer ? [...asFloat32(value.initializer)] : []));
    expect(all).toEqual(Array.from({ length: elementCount(param?.shape ?? []) }, (_, i) => i));
  });
});

describe('other element types', () => {
  const values = [0, -0, 1, -2.5, 65504, 2 ** -24, Number.POSITIVE_INFINITY, 1 / 3, 1 + 2 ** -24, 1e300];
  test.each(['float16', 'bfloat16', 'float64'] as const)('%s becomes float32, rounded once', (dtype) => {
    const built = small('acnet');
    const given = fromFloat64(dtype, [10], Float64Array.from(values));
    const report = bindWeights(
      built,
      checkpointOf(built, (n, t) => [n, n === 'classifier.9.bias' ? given : t]),
    );
    expect(report.converted).toEqual(new Map([[dtype, 1]]));
    const bound = built.stateDict.find((p) => p.name === 'classifier.9.bias')?.placements[0]?.value.initializer;
    expect(bound?.dtype).toBe('float32');
    // The nearest float32 to what the file holds.
    expect(bound && [...asFloat64(bound)]).toEqual([...asFloat64(given)].map(Math.fround));
  });

  test('integers are no weights', () => {
    const built = small('acnet');
    const found = error(() =>
      bindWeights(
        built,
        checkpointOf(built, (n, t) => [n, n === 'classifier.9.bias' ? int64Tensor([10], Array(10).fill(1)) : t]),
      ),
    );
    expect(found).toMatchObject({
      code: 'weights/mismatch',
      message: expect.stringMatching(/1 of another type[^]*type +classifier\.9\.bias +int64\[10\] +\[10\]/),
    });
  });
});

describe('what does not fit', () => {
  test('everything at once, in a table, with the nearest names', () => {
    const built = small('resnet18');
    const bad = checkpointOf(built, (n, t) => {
      if (n === 'conv1.weight') return [n, filled([64, 1, 7, 7], 0)];
      if (n === 'layer1.0.bn1.weight') return ['layer1.0.norm1.weight', t];
      return n === 'fc.bias' ? undefined : [n, t];
    });
    const found = error(() => bindWeights(built, bad));
    expect(found.code).toBe('weights/mismatch');
    const lines = found.message.split('\n').map((line) => line.trim().replace(/ {2,}/g, ' | '));
    expect(lines[0]).toBe(
      'the checkpoint does not fit resnet18: 2 missing, 1 unexpected, 1 of another shape, 119 of 122 fit',
    );
    expect(lines.slice(2)).toEqual([
      'shape | conv1.weight | [64, 1, 7, 7] | [64, 3, 7, 7]',
      'missing | layer1.0.bn1.weight | [64] | layer1.0.norm1.weight',
      'missing | fc.bias | [1000]',
      'unexpected | layer1.0.norm1.weight | [64] | layer1.0.bn1.weight',
    ]);
  });

  test('nothing is bound when it is refused', () => {
    const built = small('acnet');
    const before = built.stateDict.flatMap((p) => p.placements.map(({ value }) => value.initializer));
    error(() =>
      bindWeights(
        built,
        checkpointOf(built, (n, t) => (n === 'classifier.9.bias' ? undefined : [n, t])),
      ),
    );
    expect(built.stateDict.flatMap((p) => p.placements.map(({ value }) => value.initializer))).toEqual(before);
  });

  test('--partial takes what fits and says what stays as it was', () => {
    const built = small('acnet');
    const report = bindWeights(
      built,
      checkpointOf(built, (n, t) => (n === 'classifier.9.bias' ? undefined : [n, t])),
      { partial: true },
    );
    expect(report.bound).toBe(built.stateDict.length - 1);
    expect(report.mismatches).toMatchObject([{ problem: 'missing', name: 'classifier.9.bias' }]);
  });

  test('a classifier of another size is named, with both ways out', () => {
    const checkpoint = checkpointOf(small('resnet18', { numClasses: 10 }));
    const found = error(() => bindWeights(small('resnet18'), checkpoint));
    expect(found.message).toMatch(/2 of another shape/);
    expect(found.hint).toMatch(/10 classes.*1000.*--num-classes 10.*--partial/);
  });

  test.each<[string, () => Built, () => Built, RegExp]>([
    [
      "ACNet's blocks in the file",
      () => small('resnet18'),
      () => small('resnet18', {}, { acb: 'authors' }),
      /with --acb$/,
    ],
    [
      'the plain blocks in the file',
      () => small('resnet18'),
      () => small('resnet18', {}, { acb: 'plain' }),
      /--acb plain/,
    ],
    [
      'blocks in the network only',
      () => small('resnet18', {}, { acb: 'authors' }),
      () => small('resnet18'),
      /without --acb/,
    ],
    [
      'no auxiliary classifiers in the file',
      () => small('googlenet', { aux: true }),
      () => small('googlenet', { aux: false }),
      /--no-aux/,
    ],
    ['another architecture', () => small('resnet18'), () => small('acnet'), /another architecture/],
  ])('%s: the hint says what to do', (_, network, file, hint) => {
    expect(error(() => bindWeights(network(), checkpointOf(file())))).toMatchObject({
      code: 'weights/mismatch',
      hint: expect.stringMatching(hint),
    });
  });

  test('a network within a larger one: the hint says what stands before the names', () => {
    const built = small('resnet18');
    const found = error(() =>
      bindWeights(
        built,
        checkpointOf(built, (n, t) => [`backbone.${n}`, t]),
      ),
    );
    expect(found.hint).toMatch(/backbone\./);
  });

  test('aux1 is nothing special in a network that never has it', () => {
    const built = small('resnet18');
    const more = checkpointOf(built);
    const tensors = new Map([...more.tensors, ['aux1.weight', filled([1], 0)] as const]);
    expect(error(() => bindWeights(built, { ...more, tensors })).message).toMatch(/1 unexpected/);
  });

  test('--partial with nothing that fits is refused too', () => {
    const found = error(() => bindWeights(small('resnet18'), checkpointOf(small('acnet')), { partial: true }));
    expect(found.code).toBe('weights/nothing');
  });
});
