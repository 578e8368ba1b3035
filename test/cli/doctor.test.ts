import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cnnx } from '../support/cli.js';

interface Findings {
  readonly machine: {
    readonly cores: number;
    readonly vulkanDrivers: readonly string[];
    readonly onnxruntime: { readonly files: readonly string[] };
  };
  readonly providers: readonly { provider: string; works: boolean; reason?: string; hint?: string }[];
}

test('the CPU works; what does not has a reason, and something to do about it; Vulkan drivers are those that the environment names', async () => {
  const here = fileURLToPath(import.meta.url);
  const env = { VK_DRIVER_FILES: `${here}:/nowhere/icd.json`, VK_ICD_FILENAMES: '' };
  const { code, stdout } = await cnnx(['doctor', '--json'], { env });
  expect(code).toBe(0);
  const { machine, providers } = JSON.parse(stdout) as Findings;
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.onnxruntime.files).toContain('onnxruntime_binding.node');
  expect(providers.map((p) => p.provider)).toEqual(['cuda', 'webgpu', 'cpu']);
  expect(providers.at(-1)).toMatchObject({ works: true });
  for (const p of providers.filter((p) => !p.works)) {
    expect(p.reason).toMatch(/\w{3}/);
    expect(p.hint).toMatch(/\w{3}/);
  }
  expect(machine.vulkanDrivers).toEqual(process.platform === 'linux' ? [here] : []);
});

test('the report for people says the same', async () => {
  const { stdout } = await cnnx(['doctor']);
  expect(stdout).toMatch(/^cpu +works \(a convolution ran and was right/m);
  expect(stdout).toMatch(/^onnxruntime +\d+\.\d+\.\d+: /m);
});
