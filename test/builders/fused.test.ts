import { describe, expect, test } from 'vitest';
import { type Built, buildArchitecture } from '../../src/builders/build.js';
import { findVariant, variants } from '../../src/builders/cards.js';
import { fuse, operatorCounts } from '../../src/passes/fuse.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { asFloat64 } from '../../src/tensor/tensor.js';
import { goldenInput, naiveMacs, runBuilt } from '../support/goldens.js';
import { isFull } from '../support/shared.js';

/** Under CNNX_FULL all; otherwise one of each kind of block, the smallest. */
const SOME = new Set([
  'acnet',
  'densenet121',
  'densenet_cifar_L40_k12',
  'googlenet',
  'mobilenet_v3_small',
  'mobileone_s0',
  'regnet_y_400mf',
  'resnet18',
  'resnext_cifar_2_2_2_2',
  'shufflenet_v2_x0_5',
  'squeezenet1_0',
]);

/** Above this, running a network twice takes minutes. */
const MOST_PARAMS = 150e6;

/**
 * BatchNormalizations on feature maps that other layers see too: each layer's first, each transition's, and the last. Nothing before them can
 * take them in.
 */
const SHARED_NORMS: ReadonlyMap<string, number> = new Map([
  ['densenet121', 62],
  ['densenet161', 82],
  ['densenet169', 86],
  ['densenet201', 102],
  ['densenet_cifar_L40_k12', 39],
  ['densenet_cifar_L100_k12', 99],
  ['densenet_cifar_L100_k24', 99],
  ['densenet_cifar_bc_L100_k12', 51],
  ['densenet_cifar_bc_L250_k24', 126],
  ['densenet_cifar_bc_L190_k40', 96],
]);

const build = (name: string, config: Readonly<Record<string, unknown>> = {}): Built =>
  buildArchitecture(findVariant(name), { config, init: { kind: 'golden' } });

/** Elements of the initializers that convolutions, linear layers and normalisations hold. */
const weightsOf = (built: Built): number =>
  [...built.model.graph.initializers].reduce(
    (n, v) => n + (v.initializer?.dtype === 'float32' ? elementCount(v.initializer.shape) : 0),
    0,
  );

const count = (built: Built, ...ops: string[]): number => {
  const counts = operatorCounts(built.model);
  return ops.reduce((n, op) => n + (counts.get(op) ?? 0), 0);
};

describe('fused', () => {
  const chosen = variants().filter((v) => (isFull ? (v.params ?? 0) <= MOST_PARAMS : SOME.has(v.name)));
  test.each(chosen.map((v) => ({ name: v.name })))('$name', async ({ name }) => {
    const before = build(name);
    const after = build(name);
    await fuse(after.model);
    expect(count(after, 'BatchNormalization')).toBe(SHARED_NORMS.get(name) ?? 0);
    expect(count(after, 'Mul', 'Add', 'Div', 'Sub')).toBeLessThanOrEqual(count(before, 'Mul', 'Add', 'Div', 'Sub'));
    expect(naiveMacs(after.model.graph)).toBeLessThanOrEqual(naiveMacs(before.model.graph));
    expect(weightsOf(after)).toBeLessThanOrEqual(weightsOf(before));
    const input = before.model.graph.inputs[0]?.type;
    const data = goldenInput(input?.kind === 'tensor' ? (input.shape ?? []).map(Number) : []);
    const [expected, found] = [await runBuilt(before, data), await runBuilt(after, data)];
    for (const [output, tensor] of expected) {
      const a = asFloat64(tensor);
      const b = asFloat64(found.get(output) ?? tensor);
      const norm = Math.hypot(...a);
      expect(norm).toBeGreaterThan(0);
      expect(Math.hypot(...a.map((x, i) => x - (b[i] ?? Number.NaN))) / norm).toBeLessThan(2e-5);
    }
  });
});

describe('a network that is made to be fused becomes the one that --deploy builds', () => {
  const small = new Set(['repvgg_a0', 'mobileone_s0']);
  const chosen = variants().filter((v) => 'deploy' in v.config && (isFull || small.has(v.name)));
  test.each(chosen.map((v) => ({ name: v.name })))('$name', async ({ name }) => {
    const fused = build(name);
    const deployed = build(name, { deploy: true });
    await fuse(fused.model);
    const shape = (built: Built) =>
      [...built.model.graph.nodes()].map((n) => [
        n.opType,
        n.inputs.map((v) => v?.initializer?.shape ?? v?.type),
        n.outputs.map((v) => v?.type),
      ]);
    expect(shape(fused)).toEqual(shape(deployed));
    expect(naiveMacs(fused.model.graph)).toBe(naiveMacs(deployed.model.graph));
    expect(weightsOf(fused)).toBe(weightsOf(deployed));
  });
});

test.each([
  [isFull ? 'resnext50_32x4d' : 'resnext_cifar_2_2_2_2', {}],
  ['alexnet', { groups: 2 }],
])('--form paths of %s, fused, has the structure of the grouped form, fused', async (name, config) => {
  const paths = buildArchitecture(findVariant(name), { config, form: 'paths' });
  const grouped = buildArchitecture(findVariant(name), { config });
  await fuse(paths.model);
  await fuse(grouped.model);
  const shape = (built: Built) =>
    [...built.model.graph.nodes()].map((n) => [
      n.opType,
      n.inputs.map((v) => v?.initializer?.shape ?? v?.type),
      [...n.attrs.keys()].sort(),
    ]);
  expect(shape(paths)).toEqual(shape(grouped));
});

// Published for the deployed networks: arXiv:2101.03697 table 4 and arXiv:2206.04040 table 1, in millions.
test.each([
  ['repvgg_a0', 8.3],
  ['repvgg_a1', 12.78],
  ['repvgg_a2', 25.49],
  ['repvgg_b0', 14.33],
  ['repvgg_b1', 51.82],
  ['repvgg_b1g2', 41.36],
  ['repvgg_b1g4', 36.12],
  ['repvgg_b2', 80.31],
  ['repvgg_b2g4', 55.77],
  ['repvgg_b3', 110.96],
  ['repvgg_b3g4', 75.62],
  ['mobileone_s0', 2.1],
  ['mobileone_s1', 4.8],
  ['mobileone_s2', 7.8],
  ['mobileone_s3', 10.1],
  ['mobileone_s4', 14.8],
])('%s has the published %d million parameters', (name, millions) => {
  const digits = String(millions).split('.')[1]?.length ?? 0;
  const params = build(name, { deploy: true }).params / 1e6;
  expect([params.toFixed(digits), (Math.floor(params * 10 ** digits) / 10 ** digits).toFixed(digits)]).toContain(
    millions.toFixed(digits),
  );
});
