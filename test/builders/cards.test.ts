import { expect, test } from 'vitest';
import { type Built, buildArchitecture, setWeights } from '../../src/builders/build.js';
import { starterCard, variantOf } from '../../src/builders/card.js';
import { findVariant, parseOwnCard, variants } from '../../src/builders/cards.js';
import { CnnxError } from '../../src/base/errors.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { naiveActivations, naiveMacs } from '../support/goldens.js';

const main = (node: string): boolean => !/^aux/i.test(node);

function caught(run: () => unknown): CnnxError {
  try {
    run();
  } catch (error) {
    if (error instanceof CnnxError) return error;
    throw error;
  }
  throw new Error('no error');
}

test.each(variants().map((v) => ({ name: v.name, variant: v })))(
  '$name has the figures of its row, and its starter card builds the same network',
  ({ variant }) => {
    const built = buildArchitecture(variant);
    const { graph } = built.model;
    expect(built.params).toBe(variant.params);
    expect(naiveMacs(graph, main)).toBe(variant.macs);
    expect(naiveActivations(graph, main)).toBe(variant.activations);
    expect(graph.inputs.map((v) => v.name)).toEqual(['input']);
    expect(graph.outputs[0]?.name).toBe('logits');

    const card = parseOwnCard(JSON.parse(JSON.stringify(starterCard(variant))));
    const own = buildArchitecture(variantOf(card));
    const rows = ({ stateDict }: Built) => stateDict.map((p) => [p.name, p.shape, p.distribution]);
    expect(rows(own)).toEqual(rows(built));
    expect(own.preprocess).toEqual(built.preprocess);
  },
);

// arXiv:2003.13678: tables 2 (ResNet-50), 5 and 6. The figures are in millions, with one digit after the point.
test.each(variants().filter((v) => v.activationsM !== undefined))('$name: activations as published', (variant) => {
  expect(Math.abs((variant.activations ?? 0) / 1e6 - (variant.activationsM ?? 0))).toBeLessThanOrEqual(0.0501);
});

// The three RegNets whose widths torchvision rounds otherwise than the paper, from the paper's widths.
test.each([
  ['X-400MF', { widths: [32, 64, 160, 384], depths: [1, 2, 7, 12], groupWidths: [16, 16, 16, 16] }, 5.2, 3.1],
  [
    'Y-800MF',
    { widths: [64, 128, 320, 768], depths: [1, 3, 8, 2], groupWidths: [16, 16, 16, 16], seRatio: 0.25 },
    6.3,
    5.2,
  ],
  [
    'Y-8GF',
    { widths: [168, 448, 896, 2016], depths: [2, 4, 10, 1], groupWidths: [56, 56, 56, 56], seRatio: 0.25 },
    39.2,
    18.0,
  ],
])('RegNet%s as AnyNet: parameters and activations as published', (_name, config, params, activations) => {
  const built = buildArchitecture(findVariant('anynet_e'), { config: { ...config, space: 'D' } });
  expect(Math.abs(built.params / 1e6 - params)).toBeLessThanOrEqual(0.0501);
  expect(Math.abs(naiveActivations(built.model.graph) / 1e6 - activations)).toBeLessThanOrEqual(0.0501);
});

test('an edited number makes another network', () => {
  const card = starterCard(findVariant('resnet18'));
  const text = JSON.stringify(card).replace('[2,2,2,2]', '[2,2,2,3]');
  const built = buildArchitecture(variantOf(parseOwnCard(JSON.parse(text))));
  // One more basic block of 512 channels: two convolutions and two normalisations.
  expect(built.params - 11689512).toBe(2 * (512 * 512 * 9 + 2 * 512));
});

const row = { block: 'basic', layers: [2, 2, 2, 2] };
test.each([
  ['no object', 7, /found 7/],
  ['no family', { variants: {} }, /field family is absent/],
  ['an unknown family', { family: 'resnt', variants: {} }, /field family: found "resnt"; families are .*resnet/],
  [
    'a wrong type',
    { family: 'resnet', variants: { a: { ...row, block: 'big' } } },
    /field variants\.a\.block: found "big"; allowed is .*basic.*bottleneck/,
  ],
  [
    'a fraction',
    { family: 'resnet', variants: { a: { ...row, groups: 1.5 } } },
    /field variants\.a\.groups: found 1\.5; allowed is a whole number/,
  ],
  [
    'a field too many',
    { family: 'resnet', variants: { a: { ...row, layer: 3 } } },
    /field variants\.a\.layer: there is no such field/,
  ],
  [
    'two faults',
    { family: 'resnet', variants: { a: { block: 1, layers: [1] } } },
    /block: found 1; .*layers\.1 is absent/,
  ],
])('a bad card: %s', (_what, json, message) => {
  const error = caught(() => parseOwnCard(json));
  expect(error.code).toBe('card/invalid');
  expect(error.message).toMatch(message);
});

test('a misspelt field gets the nearest name', () => {
  const error = caught(() => parseOwnCard({ family: 'resnet', variants: { a: { ...row, layer: 3 } } }));
  expect(error.hint).toMatch(/^did you mean layers/);
});

test('a card with several variants asks which', () => {
  const card = parseOwnCard({ family: 'resnet', variants: { a: row, b: row } });
  expect(variantOf(card, 'b').name).toBe('b');
  expect(caught(() => variantOf(card)).message).toBe('the card has 2 variants: a, b');
  expect(caught(() => variantOf(card, 'c')).message).toBe('the card has no variant c; it has a, b');
});

test('an unknown architecture gets the nearest names', () => {
  const error = caught(() => findVariant('resnext50'));
  expect(error.code).toBe('builder/unknown');
  expect(error.hint).toMatch(/resnext50_32x4d|resnet50/);
});

test.each([
  [
    'resnet18',
    { groups: 2 },
    'builder/option',
    'layer1.0',
    /groups 1 and widthPerGroup 64 only; found 2 and 64/,
    /bottleneck/,
  ],
  [
    'resnet34',
    { replaceStrideWithDilation: [false, true, false] },
    'builder/option',
    'layer3.1',
    /cannot be dilated; found dilation 2/,
    /bottleneck/,
  ],
  [
    'alexnet',
    { groups: 3 },
    'builder/groups',
    'features.3',
    /64 input and 192 output channels do not divide into 3 groups/,
    /1, 2, 4, 8, 16, 32, 64/,
  ],
  [
    'alexnet',
    { stemStride: 40 },
    'builder/shape',
    'features.5',
    /3x3 window does not fit a feature map of 2 x 2 pixels/,
    /from \d+ x \d+/,
  ],
  [
    'inception_v3',
    { imageSize: 16 },
    'builder/shape',
    'Conv2d_4a_3x3.conv',
    /3x3 window does not fit a feature map of 2 x 2 pixels/,
    /from 299 x 299, or 75 x 75 without/,
  ],
  ['densenet121', { theta: 2 }, 'builder/option', undefined, /field theta: found 2; allowed is <=1/, undefined],
  ['densenet_cifar_L40_k12', { depth: 41 }, 'builder/option', undefined, /depth 41: \(41 - 4\) \/ 3/, /40, 43/],
  ['densenet121', { depth: 40 }, 'builder/option', undefined, /either depth or blockConfig .* found both/, undefined],
  [
    'anynet_e',
    { depths: [1, 4, 6, 3] },
    'builder/option',
    undefined,
    /space E asks for depths that do not fall; stages 3 and 4 have 6, then 3/,
    /space D/,
  ],
  [
    'anynet_d',
    { widths: [48, 96, 64, 384] },
    'builder/option',
    undefined,
    /space D .* stages 2 and 3 have 96, then 64/,
    /space C/,
  ],
  [
    'anynet_c',
    { groupWidths: [16, 16, 32, 16] },
    'builder/option',
    undefined,
    /space C .* one group width .* stages 2 and 3 have 16, then 32/,
    /space B/,
  ],
  [
    'anynet_b',
    { bottleneckRatios: [1, 1, 1, 2] },
    'builder/option',
    undefined,
    /space B .* one bottleneck ratio .* stages 3 and 4 have 1, then 2/,
    /space A/,
  ],
  ['anynet_a', { depths: [1, 2] }, 'builder/option', undefined, /depths has 2 entries; widths has 4 stages/, undefined],
  [
    'anynet_a',
    { groupWidths: [7, 16, 24, 48] },
    'builder/groups',
    'trunk_output.block1.block1-0',
    /7 channels do not divide the inner width 48/,
    /42, 49/,
  ],
  ['regnet_x_400mf', { w0: 25 }, 'builder/option', undefined, /w0 25 is no multiple of 8/, /24/],
  [
    'googlenet',
    { transformInput: true, inChannels: 1 },
    'builder/option',
    undefined,
    /for 3 channels; inChannels is 1/,
    undefined,
  ],
  [
    'resnet18',
    { depth: 3 },
    'builder/option',
    undefined,
    /resnet18 \(family resnet\) has no option depth; it has .*layers/,
    undefined,
  ],
] as const)('%s with %j is refused', (name, config, code, node, message, hint) => {
  const error = caught(() => buildArchitecture(findVariant(name), { config }));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.at.node).toBe(node);
  if (hint) expect(error.hint).toMatch(hint);
});

test.each([
  ['groups', 'resnext50_32x4d', { groups: 16, widthPerGroup: 8 }],
  ['dilation', 'resnet50', { replaceStrideWithDilation: [false, true, true] }],
  ['channels', 'resnet18', { inChannels: 1, numClasses: 7, imageSize: 97 }],
])('options: %s', (_what, name, config) => {
  expect(() => buildArchitecture(findVariant(name), { config })).not.toThrow();
});

test('a dilated ResNet keeps its last feature map at an eighth of the image', () => {
  const built = buildArchitecture(findVariant('resnet50'), {
    config: { replaceStrideWithDilation: [false, true, true] },
  });
  const pooled = [...built.model.graph.nodes()].find((n) => n.opType === 'GlobalAveragePool')?.inputs[0];
  expect(pooled?.type).toMatchObject({ shape: [1, 2048, 28, 28] });
});

test('trained weights take the place of drawn ones, rows of them where a convolution is written as paths', () => {
  const built = buildArchitecture(findVariant('resnext50_32x4d'), { form: 'paths' });
  const param = built.stateDict.find((p) => p.name === 'layer1.0.conv2.weight');
  if (!param) throw new Error('no such parameter');
  const data = Float32Array.from({ length: elementCount(param.shape) }, (_, i) => i);
  setWeights(built, new Map([[param.name, float32Tensor(param.shape, data)]]));
  const second = built.model.graph.values.get('layer1.0.conv2.paths.1.weight')?.initializer?.bytes();
  const row = elementCount(param.shape) / 32;
  expect(new DataView(second?.buffer ?? new ArrayBuffer(4), second?.byteOffset).getFloat32(0, true)).toBe(row);
  expect(caught(() => setWeights(built, new Map([[param.name, float32Tensor([1], [0])]]))).code).toBe(
    'builder/weights',
  );
});

test('averages that count their padding say so: Inception v3', () => {
  const pools = [...buildArchitecture(findVariant('inception_v3')).model.graph.nodes()].filter(
    (n) => n.opType === 'AveragePool',
  );
  const padded = pools.filter((n) => n.attrs.has('count_include_pad'));
  expect(padded).toHaveLength(9);
});
