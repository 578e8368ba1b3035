import { beforeAll, describe, expect, test } from 'vitest';
import { type BuildOptions, buildArchitecture, findVariant } from '../../src/builders/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import type { Model } from '../../src/graph/ir.js';
import { fuse } from '../../src/passes/fuse.js';
import type { ProviderProbe } from '../../src/node/onnxruntime/provider-probe.js';
import { probeProvider } from '../../src/node/onnxruntime/providers.js';
import { compareModels, profileModel } from '../../src/node/api.js';

/*
 * npm run test:gpu, on a machine with a GPU: networks really run on it, every convolution of them, and compute what the CPU computes. Elsewhere it
 * fails with what is missing; it is no part of npm test.
 */

const golden: BuildOptions = { init: { kind: 'golden' } };

async function fused(name: string, options: BuildOptions): Promise<{ model: Model; merged: Model }> {
  const { model } = buildArchitecture(findVariant(name), options);
  const merged = cloneModel(model);
  await fuse(merged);
  return { model, merged };
}

describe.skipIf(process.env['CNNX_GPU'] !== '1').each(['cuda', 'webgpu'] as const)('%s', (provider) => {
  let probe: ProviderProbe;
  beforeAll(async () => {
    probe = await probeProvider(provider);
  });

  test('works here', () => {
    expect({ works: probe.works, reason: probe.reason, hint: probe.hint }).toEqual({ works: true });
  });

  test.each<[string, BuildOptions]>([
    ['acnet', golden],
    ['resnet18', { ...golden, config: { imageSize: 64 } }],
    ['resnet18', { ...golden, config: { imageSize: 64 }, acb: 'authors' }],
  ])('%s: every convolution runs on it, and the outputs are those of the CPU', async (name, options) => {
    const { model, merged } = await fused(name, options);
    for (const m of [model, merged]) {
      const kernels = await profileModel(m, { provider, runs: 1 });
      const convolutions = kernels.filter((k) => /Conv/.test(k.op));
      expect(convolutions.length).toBeGreaterThan(0);
      expect(convolutions.filter((k) => k.provider !== provider)).toEqual([]);
    }
    const report = await compareModels(model, merged, { provider });
    expect(report).toMatchObject({ verdict: 'match', provider });
  });
});
