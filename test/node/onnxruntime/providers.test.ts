import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildArchitecture, findVariant } from '../../../src/builders/index.js';
import { cloneModel } from '../../../src/graph/clone.js';
import { fuse } from '../../../src/passes/fuse.js';
import type { ProviderProbe } from '../../../src/node/onnxruntime/provider-probe.js';
import { chooseProvider, probeProvider } from '../../../src/node/onnxruntime/providers.js';
import { compareModels } from '../../../src/node/api.js';

const webgpu = await probeProvider('webgpu');
const cuda = await probeProvider('cuda');

test('the CPU works', async () => {
  expect(await probeProvider('cpu')).toMatchObject({ works: true, reason: undefined });
});

test('auto takes the first that works, and says why it passed over the others', async () => {
  const { provider, passedOver } = await chooseProvider('auto');
  const expected = cuda.works ? 'cuda' : webgpu.works ? 'webgpu' : 'cpu';
  expect(provider).toBe(expected);
  for (const p of passedOver) expect(p.reason).toMatch(/\w+/);
});

test('a named provider is never replaced', async () => {
  if (cuda.works) return expect((await chooseProvider('cuda')).provider).toBe('cuda');
  await expect(chooseProvider('cuda')).rejects.toThrow(
    expect.objectContaining({ code: 'runtime/provider', exitCode: 3 }),
  );
  await expect(chooseProvider('cuda')).rejects.toThrow(cuda.reason);
});

describe.skipIf(!webgpu.works)(`WebGPU${webgpu.works ? '' : ` (skipped: ${webgpu.reason ?? ''})`}`, () => {
  test('a fused ACNet computes what the unfused one computes on the CPU', async () => {
    const { model } = buildArchitecture(findVariant('acnet'), { init: { kind: 'golden' } });
    const fused = cloneModel(model);
    await fuse(fused);
    const report = await compareModels(model, fused, { provider: 'webgpu', runs: 2 });
    expect(report).toMatchObject({
      verdict: 'match',
      provider: 'webgpu',
      ran: expect.stringMatching(/webgpu \d+/) as string,
    });
  });
});

const cc = spawnSync('cc', ['--version']).status === 0;

/** A copy of the build that finds a copy of onnxruntime-node, whose folder of libraries can be filled with what is broken. */
describe.skipIf(process.platform !== 'linux' || cuda.works)(
  'a broken CUDA provider gives its reason, and crashes nobody',
  () => {
    let folder: string;
    let libraries: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'cnnx-provider-'));
      const root = fileURLToPath(new URL('../../..', import.meta.url));
      cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      const modules = realpathSync(join(root, 'node_modules'));
      mkdirSync(join(folder, 'node_modules'));
      for (const name of readdirSync(modules))
        if (name !== 'onnxruntime-node') symlinkSync(join(modules, name), join(folder, 'node_modules', name));
      const from = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
      const to = join(folder, 'node_modules/onnxruntime-node');
      const binaries = join('bin/napi-v6', process.platform, process.arch);
      cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true });
      cpSync(join(from, 'package.json'), join(to, 'package.json'));
      libraries = join(to, binaries);
      mkdirSync(libraries, { recursive: true });
      for (const file of readdirSync(join(from, binaries))) place(join(from, binaries, file), join(libraries, file));
    });
    afterEach(() => {
      for (const file of readdirSync(libraries)) if (file.includes('providers')) rmSync(join(libraries, file));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    function place(from: string, to: string): void {
      try {
        linkSync(from, to);
      } catch {
        cpSync(from, to);
      }
    }

    function compile(source: string, name: string): void {
      const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', join(libraries, name)], {
        input: source,
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }

    function probe(): ProviderProbe {
      const module = pathToFileURL(join(folder, 'dist/src/node/onnxruntime/providers.js')).href;
      const script = `const { probeProvider } = await import(${JSON.stringify(module)}); console.log(JSON.stringify(await probeProvider('cuda')));`;
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        cwd: folder,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return JSON.parse(stdout) as ProviderProbe;
    }

    test('absent', () => {
      expect(probe()).toMatchObject({
        works: false,
        reason: expect.stringMatching(/providers_shared\.so: cannot open/) as string,
        hint: expect.stringMatching(/install\.js/) as string,
      });
    });

    test('a text file', () => {
      writeFileSync(join(libraries, 'libonnxruntime_providers_shared.so'), 'this is no library\n'.repeat(100));
      expect(probe()).toMatchObject({
        works: false,
        reason: expect.stringMatching(/invalid ELF header|file too short/) as string,
      });
    });

    test('of another architecture', () => {
      // An ELF header of a big-endian machine that nobody runs this on.
      const elf = Buffer.alloc(4096);
      elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
      elf.writeUInt16BE(3, 16);
      elf.writeUInt16BE(22, 18);
      writeFileSync(join(libraries, 'libonnxruntime_providers_shared.so'), elf);
      expect(probe()).toMatchObject({
        works: false,
        reason: expect.stringMatching(/is there, but is no library for linux/) as string,
      });
    });

    test.skipIf(!cc)('without what a provider needs', () => {
      compile('int nothing;', 'libonnxruntime_providers_shared.so');
      expect(probe()).toMatchObject({
        works: false,
        reason: expect.stringMatching(/symbol|Provider_SetHost/) as string,
      });
    });

    test.skipIf(!cc)('one that crashes the process that loads it', () => {
      compile('void Provider_SetHost(void *h) { (void)h; }', 'libonnxruntime_providers_shared.so');
      compile('void *GetProvider(void) { return 0; }', 'libonnxruntime_providers_cuda.so');
      expect(probe()).toMatchObject({ works: false, reason: expect.stringMatching(/SIGSEGV|signal/) as string });
    });

    test.skipIf(!cc)('one that exits', () => {
      compile(
        '#include <stdlib.h>\n__attribute__((constructor)) static void leave(void) { _Exit(7); }',
        'libonnxruntime_providers_shared.so',
      );
      expect(probe()).toMatchObject({ works: false, reason: expect.stringMatching(/exit code 7/) as string });
    });
  },
);
