import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant, variants } from '../../src/builders/cards.js';
import { goldenVarScale } from '../../src/builders/golden.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { naiveMacs, readGolden, stateChecksum } from '../support/goldens.js';
import { describeShared, isFull, shared } from '../support/shared.js';

/** Filling more than this takes seconds: such networks are checked under CNNX_FULL. */
const SMALL_BYTES = 200e6;

describeShared('goldens of PyTorch', () => {
  const known = new Set(variants().map((v) => v.name));
  const files = ['models', 'seeds'].flatMap((folder) =>
    readdirSync(shared(`reference/${folder}`)).map((file) => join(shared(`reference/${folder}`), file)),
  );
  const goldens = files
    .map((path) => ({ name: path.replace(/.*\//, '').replace('.json', ''), path }))
    .filter(({ name }) => known.has(name));

  test.each(goldens)('$name: state dict, parameters, multiply-accumulates', ({ name, path }) => {
    const golden = readGolden(path);
    const built = buildArchitecture(findVariant(name), {
      init: { kind: 'golden', varScale: goldenVarScale(golden) },
    });
    expect(built.stateDict.map((p) => [p.name, p.dtype, p.shape])).toEqual(golden.state_dict);
    expect(built.params).toBe(golden.params);
    expect(naiveMacs(built.model.graph, (node) => !/^aux/i.test(node))).toBe(golden.macs);
    const bytes = 4 * built.stateDict.reduce((n, p) => n + elementCount(p.shape), 0);
    if (isFull || bytes <= SMALL_BYTES) expect(stateChecksum(built)).toBe(golden.state_checksum);
  });
});
