import { describe, expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { goldenVarScale } from '../../src/builders/golden.js';
import { fuse } from '../../src/passes/fuse.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { asFloat64 } from '../../src/tensor/tensor.js';
import { errorsOf, type Golden, goldenInput, readGolden, runBuilt, TOLERANCE } from '../support/goldens.js';

/** A golden of a network whose blocks are merged: sums of the words of each tensor. */
interface FusedGolden extends Golden {
  readonly tensor_checksums: Readonly<Record<string, number>>;
}

describe('acnet, as built and fused', () => {
  test.each(['acnet_bias_true', 'acnet_bias_false'])('%s', async (name) => {
    const golden = readGolden(`${name}_fused`) as FusedGolden;
    const build = () =>
      buildArchitecture(findVariant(name), { init: { kind: 'golden', varScale: goldenVarScale(golden) } });
    const original = build();
    const weights = new Map(original.stateDict.map((p) => [p.name, p]));
    const numbersOf = (key: string): Float64Array => {
      const value = weights.get(key)?.placements[0]?.value.initializer;
      if (!value) throw new Error(`${key} is no parameter of ${name}`);
      return asFloat64(value);
    };

    const blocks = build();
    await fuse(blocks.model, { skip: ['BatchNormalization'] });
    const merged = new Map<string, Tensor>();
    for (const node of blocks.model.graph.nodes())
      if (node.opType === 'Conv')
        for (const [i, kind] of [
          [1, 'weight'],
          [2, 'bias'],
        ] as const) {
          const held = node.inputs[i]?.initializer;
          // The module's path, less the name of the branch that lent its own.
          const path = (node.inputs[1]?.name ?? '').replace(/(\.(conv|ac1|ac2))?\.weight$/, '');
          if (held) merged.set(`${path}.${kind}`, held);
        }
    const blocksPaths = [...weights.keys()].flatMap((k) => /^(.*)\.ac1\.weight$/.exec(k)?.[1] ?? []);
    expect(blocksPaths.length).toBe(4);
    for (const path of blocksPaths) {
      for (const kind of ['weight', 'bias'] as const) {
        if (!weights.has(`${path}.conv.${kind}`)) continue;
        const key = `${path}.${kind}`;
        const [w, w1, w2] = ['conv', 'ac1', 'ac2'].map((branch) => numbersOf(`${path}.${branch}.${kind}`));
        const addends = Array.from(w ?? [], (v, i) => {
          if (kind === 'bias') return [v, w1?.[i] ?? 0, w2?.[i] ?? 0] as const;
          const [plane, row, column] = [Math.floor(i / 9), Math.floor((i % 9) / 3), i % 3];
          return [
            v,
            row === 1 ? (w1?.[plane * 3 + column] ?? 0) : 0,
            column === 1 ? (w2?.[plane * 3 + row] ?? 0) : 0,
          ] as const;
        });
        // The golden's own merge, in float32 in that order; its checksum says that this is it.
        const exact = Float32Array.from(addends, ([p, q, r]) => Math.fround(Math.fround(p + q) + r) / 3);
        expect(
          new Uint32Array(exact.buffer).reduce((sum, word) => (sum + word) >>> 0, 0),
          key,
        ).toBe(golden.tensor_checksums[key]);
        const found = merged.get(key);
        const values = found ? asFloat64(found) : new Float64Array();
        expect(values.length, key).toBe(exact.length);
        const off = values.map((v, i) => {
          const sizes = addends[i] ?? [0];
          const bound = (3 * 2 ** -24 * sizes.reduce((sum, x) => sum + Math.abs(x), 0)) / 3;
          return Math.abs(v - (exact[i] ?? Number.NaN)) / bound;
        });
        expect(Math.max(...off), key).toBeLessThanOrEqual(1);
      }
    }

    const full = build();
    const { after } = await fuse(full.model);
    expect(after.get('Conv')).toBe(4);
    expect(after.get('Gemm')).toBe(3);
    expect(after.get('BatchNormalization')).toBeUndefined();
    for (const built of [blocks, full]) {
      const outputs = await runBuilt(built, goldenInput(golden.input.shape));
      const [logits, expected] = [outputs.get('logits'), golden.outputs['logits']];
      if (!logits || !expected) throw new Error('no logits');
      const { relative, largest } = errorsOf(logits, expected);
      expect(relative).toBeLessThanOrEqual(TOLERANCE.relative);
      expect(largest).toBeLessThanOrEqual(TOLERANCE.largest);
    }
  });
});
