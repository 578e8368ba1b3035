import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { type Built, buildArchitecture, setWeights } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import type { Model } from '../../src/graph/ir.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { asFloat64, type Tensor } from '../../src/tensor/tensor.js';
import { goldenInput, runBuilt } from '../support/goldens.js';
import { describeShared, sharedBytes } from '../support/shared.js';

const exported = (name: string): Model => readOnnx(sharedBytes(`reference/reparam/${name}.onnx`));
const weightsOf = (model: Model): Map<string, Tensor> =>
  new Map(
    [...model.graph.initializers].flatMap((v) => (v.initializer?.dtype === 'float32' ? [[v.name, v.initializer]] : [])),
  );

/** The keys of one block, without its own path. */
const keysUnder = (built: Built, path: string): readonly string[] =>
  built.stateDict.flatMap((p) =>
    p.placements.length > 0 && p.name.startsWith(`${path}.`) ? [p.name.slice(path.length + 1)] : [],
  );

describeShared("files exported from the authors' own modules", () => {
  test("a narrow MobileOne S4 has its authors' names and, with their weights, their outputs", async () => {
    const theirs = exported('mobileone_s4_narrow');
    const weights = weightsOf(theirs);
    const config = {
      layers: [2, 4, 4, 1],
      widths: [1 / 8, 1 / 8, 1 / 8, 1 / 8],
      squeeze: true,
      numClasses: 10,
      imageSize: 64,
    };
    const ours = buildArchitecture(findVariant('mobileone_s4'), { config });
    const held = ours.stateDict.filter((p) => p.placements.length > 0);
    for (const p of held) expect([p.name, weights.get(p.name)?.shape]).toEqual([p.name, p.shape]);
    expect(held.map((p) => p.name)).toEqual([...weights.keys()].filter((key) => held.some((p) => p.name === key)));
    setWeights(ours, weights);
    const input = goldenInput([1, 3, 64, 64]);
    const [found] = (await runBuilt(ours, input)).values();
    const session = await createSession(concat(writeOnnx(theirs)), { threads: 1 });
    const name = session.inputs[0]?.name ?? '';
    const [expected] = (await session.run(new Map([[name, input]]))).values();
    await session.release();
    if (!found || !expected) throw new Error('no output');
    const [a, b] = [asFloat64(found), asFloat64(expected)];
    expect(Math.hypot(...b)).toBeGreaterThan(0);
    expect(Math.hypot(...a.map((x, i) => x - (b[i] ?? Number.NaN))) / Math.hypot(...b)).toBeLessThan(1e-5);
  });

  test.each([
    ['repvgg_se_id_a', 'repvgg_d2se', 'stage1.1'],
    ['repvgg_noid_a', 'repvgg_a0', 'stage1.0'],
    ['mobileone_dw_b4', 'mobileone_s0', 'stage1.2'],
  ])("a block of %s has its authors' names, in their order", (file, name, path) => {
    const theirs = [...weightsOf(exported(file)).keys()].filter((key) => key.includes('.'));
    expect(keysUnder(buildArchitecture(findVariant(name)), path)).toEqual(theirs);
  });

  test("an asymmetric block has its authors' names, in their order", () => {
    const theirs = [...weightsOf(exported('acb_k3p1_s1_g1')).keys()].filter((key) => key.includes('.'));
    const built = buildArchitecture(findVariant('resnet18'), { acb: 'authors' });
    expect(keysUnder(built, 'layer1.0.conv1')).toEqual(theirs);
  });
});
