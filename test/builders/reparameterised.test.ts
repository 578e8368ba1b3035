import { describe, expect, test } from 'vitest';
import { type Built, buildArchitecture } from '../../src/builders/build.js';
import { findVariant, variants } from '../../src/builders/cards.js';
import { fuse } from '../../src/passes/fuse.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { naiveMacs } from '../support/goldens.js';
import { isFull } from '../support/shared.js';

const build = (name: string, config: Readonly<Record<string, unknown>> = {}): Built =>
  buildArchitecture(findVariant(name), { config, init: { kind: 'golden' } });

/** Elements of the initializers that convolutions, linear layers and normalisations hold. */
const weightsOf = (built: Built): number =>
  [...built.model.graph.initializers].reduce(
    (n, v) => n + (v.initializer?.dtype === 'float32' ? elementCount(v.initializer.shape) : 0),
    0,
  );

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
