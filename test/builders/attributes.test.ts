import { describe, expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { clipBounds } from '../../src/ops/accessors.js';
import { Gelu, HardSigmoid, LayerNormalization } from '../../src/ops/index.js';
import type { Node } from '../../src/graph/ir.js';
import { floatOfBits } from '../../src/graph/attr.js';

/*
 * What logits cannot show: another epsilon of a LayerNormalization moves ConvNeXt's by 4e-6. The numbers are those of the modules that
 * torchvision 0.14.1 makes (module.eps of every BatchNorm2d and LayerNorm). Their momentum is for training alone, and not in the file.
 */

const nodes = (name: string, opset?: number): Node[] => [
  ...buildArchitecture(findVariant(name), { opset }).model.graph.nodes(),
];

function epsilons(name: string, op: string): readonly (number | undefined)[] {
  const found = nodes(name).filter((n) => n.opType === op);
  expect(found.length).toBeGreaterThan(5);
  const values = found
    .map((n) => n.attrs.get('epsilon'))
    .map((a) => (a?.kind === 'float' ? floatOfBits(a.bits) : undefined));
  return [...new Set(values)];
}

const BATCH_NORM: [number, string[]][] = [
  [
    1e-5,
    [
      'resnet18 resnet50 wide_resnet50_2 resnext50_32x4d densenet121 densenet161 vgg11_bn vgg19_bn mobilenet_v2',
      'regnet_x_400mf regnet_y_400mf regnet_y_8gf shufflenet_v2_x0_5 shufflenet_v2_x2_0',
      'mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3',
      'efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4',
    ],
  ],
  [
    1e-3,
    [
      'googlenet inception_v3 mobilenet_v3_large mobilenet_v3_small',
      'efficientnet_b5 efficientnet_b6 efficientnet_b7 efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l',
    ],
  ],
];

describe.each(BATCH_NORM)('BatchNormalization with an epsilon of %d', (epsilon, lines) => {
  test.each(lines.join(' ').split(' '))('%s', (name) =>
    expect(epsilons(name, 'BatchNormalization')).toEqual([Math.fround(epsilon)]),
  );
});

describe('ConvNeXt', () => {
  test.each(['convnext_tiny', 'convnext_small', 'convnext_base', 'convnext_large'])(
    '%s: every LayerNormalization has an epsilon of 1e-6, over the channels',
    (name) => {
      expect(epsilons(name, 'LayerNormalization')).toEqual([Math.fround(1e-6)]);
      const axes = nodes(name).flatMap((n) => (n.is(LayerNormalization) ? n.attr.axis : []));
      expect(new Set(axes)).toEqual(new Set([-1]));
    },
  );

  test('below opset 17, where the operator is not there, the same number is added to the variance', () => {
    const { graph } = buildArchitecture(findVariant('convnext_tiny'), { opset: 16 }).model;
    const epsilon = [...graph.initializers]
      .filter((v) => v.name.startsWith('constant.'))
      .map((v) => Number(v.name.slice(9)));
    expect(epsilon).toContain(1e-6);
    expect([...graph.nodes()].some((n) => n.opType === 'LayerNormalization')).toBe(false);
  });

  test('GELU is the exact one', () => {
    const found = nodes('convnext_tiny');
    expect(found.filter((n) => n.opType === 'Erf')).toHaveLength(18);
    expect(found.some((n) => n.opType === 'Tanh' || n.is(Gelu))).toBe(false);
  });
});

describe('activations', () => {
  test.each(['mobilenet_v3_large', 'mobilenet_v3_small'])('%s: hard sigmoids rise by 1/6', (name) => {
    const gates = [13, 17].flatMap((opset) => nodes(name, opset).flatMap((n) => (n.is(HardSigmoid) ? n.attr : [])));
    expect(gates.length).toBeGreaterThan(8);
    for (const { alpha, beta } of gates) expect([alpha, beta]).toEqual([Math.fround(1 / 6), 0.5]);
  });

  test('mobilenet_v2: ReLU6 clips at 0 and 6', () => {
    const bounds = nodes('mobilenet_v2').flatMap((n) => clipBounds(n) ?? []);
    expect(bounds).toHaveLength(35);
    for (const b of bounds) expect(b).toEqual({ min: 0, max: 6 });
  });
});
