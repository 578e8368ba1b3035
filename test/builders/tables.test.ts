import { describe, expect, test } from 'vitest';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { quantisedStages } from '../../src/builders/regnet-widths.js';
import { groundTruthJson } from '../support/ground-truth.js';

interface DenseRow {
  readonly L: number;
  readonly k: number;
  readonly bc: boolean;
  readonly params: number;
  readonly paper_millions: number;
}

interface RegRow {
  readonly name: string;
  readonly d: number;
  readonly w0: number;
  readonly wa: number;
  readonly wm: number;
  readonly group_width: number;
  readonly widths: readonly number[];
  readonly depths: readonly number[];
  readonly group_widths: readonly number[];
}

const denseRows = (): readonly DenseRow[] =>
  (groundTruthJson('papers/densenet_cifar_params.json') as { readonly rows: readonly DenseRow[] }).rows;
const regRows = (): readonly RegRow[] =>
  (groundTruthJson('papers/regnet_parameterisation.json') as { readonly rows: readonly RegRow[] }).rows;

describe('tables of the papers', () => {
  test("the parameters of the DenseNet paper's networks for CIFAR", () => {
    for (const row of denseRows()) {
      const config = { depth: row.L, growthRate: row.k, bottleneck: row.bc, theta: row.bc ? 0.5 : 1 };
      const { params } = buildArchitecture(findVariant('densenet_cifar_L40_k12'), { config });
      expect(params).toBe(row.params);
      expect((params / 1e6).toFixed(1)).toBe(row.paper_millions.toFixed(1));
    }
  });

  test('widths, depths and group widths of every RegNet of torchvision', () => {
    const rows = regRows();
    expect(rows).toHaveLength(15);
    for (const row of rows) {
      const stages = quantisedStages({ ...row, groupWidth: row.group_width, bottleneckRatio: 1 });
      expect(stages.map((s) => s.width)).toEqual(row.widths);
      expect(stages.map((s) => s.depth)).toEqual(row.depths);
      expect(stages.map((s) => s.groupWidth)).toEqual(row.group_widths);
      const { d, w0, wa, wm, groupWidth } = findVariant(row.name).config;
      expect({ d, w0, wa, wm, groupWidth }).toEqual({
        d: row.d,
        w0: row.w0,
        wa: row.wa,
        wm: row.wm,
        groupWidth: row.group_width,
      });
    }
  });
});

// What follows from the rule by hand: u = 16, 24, 32, 40; with w0 = 16 and wm = 2 the powers are 0, round(0.58) = 1, 1, round(1.32) = 1.
test('the quantised linear parameterisation of a small network', () => {
  const stages = quantisedStages({ d: 4, w0: 16, wa: 8, wm: 2, groupWidth: 32, bottleneckRatio: 1 });
  expect(stages).toEqual([
    { width: 16, depth: 1, groupWidth: 16, bottleneckRatio: 1 },
    { width: 32, depth: 3, groupWidth: 32, bottleneckRatio: 1 },
  ]);
});

test('a bottleneck ratio narrows the inner convolutions, as the paper has it', () => {
  const config = { bottleneckRatio: 2 };
  const built = buildArchitecture(findVariant('regnet_x_400mf'), { config });
  const inner = built.stateDict.find((p) => p.name === 'trunk_output.block2.block2-0.f.a.0.weight');
  const outer = built.stateDict.find((p) => p.name === 'trunk_output.block2.block2-0.f.c.0.weight');
  expect(inner?.shape[0]).toBe(32);
  expect(outer?.shape[0]).toBe(64);
});
