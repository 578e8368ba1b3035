import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { goldenVarScale } from '../../src/builders/golden.js';
import {
  errorsOf,
  goldenInput,
  naiveMacs,
  readGolden,
  runBuilt,
  stateChecksum,
  TOLERANCE,
} from '../support/goldens.js';

// A small set of what PyTorch computes, for a clone without the ground truth.
test.each(['acnet', 'densenet_cifar_L40_k12', 'googlenet', 'resnet18'])(
  '%s computes what PyTorch does',
  async (name) => {
    const golden = readGolden(fileURLToPath(new URL(`../fixtures/goldens/${name}.json`, import.meta.url)));
    const built = buildArchitecture(findVariant(name), {
      init: { kind: 'golden', varScale: goldenVarScale(golden) },
    });
    expect(built.params).toBe(golden.params);
    expect(stateChecksum(built)).toBe(golden.state_checksum);
    expect(naiveMacs(built.model.graph, (node) => !node.startsWith('aux'))).toBe(golden.macs);
    const found = await runBuilt(built, goldenInput(golden.input.shape));
    expect([...found.keys()].sort()).toEqual(Object.keys(golden.outputs).sort());
    for (const [output, expected] of Object.entries(golden.outputs)) {
      const tensor = found.get(output);
      const errors = tensor ? errorsOf(tensor, expected) : { relative: Number.NaN, largest: Number.NaN };
      expect(errors.relative).toBeLessThanOrEqual(TOLERANCE.relative);
      expect(errors.largest).toBeLessThanOrEqual(TOLERANCE.largest);
    }
  },
);
