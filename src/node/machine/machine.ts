import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { printable } from '../../base/text.js';
import { nvidiaDriver, textOf, vulkanDrivers } from './drivers.js';
import { bindingFolder, ortFolder, ortVersion } from '../onnxruntime/package.js';
import { INSTALL_CUDA_12, INSTALL_CUDNN, installCuda } from '../onnxruntime/providers.js';

/** What this machine has that matters for running networks. Nothing here throws: what cannot be found out is absent. */
export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  /** Of the instruction sets that onnxruntime's kernels use, those that the CPU has. */
  readonly cpuFeatures: readonly string[];
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number };
  readonly onnxruntime: { readonly version: string | undefined; readonly files: readonly string[] };
  /** Version of NVIDIA's kernel driver. */
  readonly nvidiaDriver: string | undefined;
  readonly gpus: readonly string[];
  readonly libraries: readonly Library[];
  /** Manifests of Vulkan drivers, through which WebGPU finds its adapters on Linux. */
  readonly vulkanDrivers: readonly string[];
}

/** A shared library that a provider needs, and whether it loads here. */
export interface Library {
  /** As the loader asks for it. */
  readonly name: string;
  readonly found: boolean;
  /** From the name of the file behind it. */
  readonly version?: string | undefined;
  /** The loader's words. */
  readonly problem?: string | undefined;
}

/** Sonames of CUDA 12 and cuDNN 9, which the provider of this onnxruntime needs; CUDA 13's runtime, which it cannot use; Vulkan's loader. */
const LIBRARIES = [
  'libcuda.so.1',
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcurand.so.10',
  'libcudnn.so.9',
  'libcudart.so.13',
  'libvulkan.so.1',
];

/** Flag in /proc/cpuinfo: how people call it. */
const FEATURES: Readonly<Record<string, string>> = {
  avx2: 'AVX2',
  fma: 'FMA',
  avx512f: 'AVX-512',
  avx512_vnni: 'AVX-512 VNNI',
  avx_vnni: 'AVX VNNI',
  avx512_bf16: 'AVX-512 BF16',
  amx_tile: 'AMX',
  asimd: 'NEON',
  asimddp: 'dot product',
  sve: 'SVE',
};

const PROBE_TIMEOUT = 10_000;

/** What this machine has for running models: system, memory, onnxruntime's files, GPU drivers and libraries. */
export async function inspectMachine(): Promise<Machine> {
  const [processor] = cpus();
  return {
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    cpu: processor?.model.trim() ?? 'unknown',
    cores: cpus().length,
    cpuFeatures: cpuFeatures(),
    memory: { total: totalmem(), free: freemem() },
    onnxruntime: { version: onnxruntimeVersion(), files: bindingFiles() },
    nvidiaDriver: nvidiaDriver(),
    gpus: gpus(),
    libraries: process.platform === 'linux' ? await probeLibraries(LIBRARIES) : [],
    vulkanDrivers: vulkanDrivers(),
  };
}

function cpuFeatures(): string[] {
  const flags = new Set((/^(?:flags|Features)\s*:(.*)$/m.exec(textOf('/proc/cpuinfo'))?.[1] ?? '').trim().split(/\s+/));
  return Object.entries(FEATURES).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []));
}

function onnxruntimeVersion(): string | undefined {
  const folder = ortFolder();
  return folder === undefined ? undefined : ortVersion(folder);
}

function bindingFiles(): string[] {
  const folder = bindingFolder();
  return folder === undefined ? [] : readdirSync(folder).sort();
}

function gpus(): string[] {
  const { stdout } = spawnSync(
    'nvidia-smi',
    ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'],
    {
      encoding: 'utf8',
      timeout: PROBE_TIMEOUT,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  return (stdout ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [printable(line.trim())]));
}

/**
 * Whether the system's loader finds libraries, and all that they need. process.dlopen fails for every library that is no Node addon, but only
 * after the loader was done: its words tell. In a process of its own, since a library may do anything when it is loaded.
 */
export function probeLibraries(names: readonly string[]): Promise<readonly Library[]> {
  const script = `
    const { constants } = require('node:os');
    for (const name of JSON.parse(process.argv[1])) {
      let words = '';
      try { process.dlopen({ exports: {} }, name, constants.dlopen.RTLD_LAZY); } catch (error) { words = error.message; }
      console.log(JSON.stringify([name, words]));
    }`;
  return new Promise((done) => {
    const child = spawn(process.execPath, ['-e', script, JSON.stringify(names)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PROBE_TIMEOUT,
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.on('error', () => done([]));
    child.on('close', () => done(out.split('\n').flatMap(libraryOf)));
  });
}

function libraryOf(line: string): Library[] {
  if (line === '') return [];
  const [name, words] = JSON.parse(line) as [string, string];
  const found = words === '' || words.includes('did not self-register');
  return [
    { name, found, version: found ? versionOf(name) : undefined, problem: found ? undefined : printable(words, 200) },
  ];
}

const SEARCH = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/local/cuda/lib64',
  '/usr/lib',
];

/** libcudart.so.12 -> libcudart.so.12.4.127: the version stands in the name of the file that the link leads to. */
function versionOf(name: string): string | undefined {
  const folders = [...(process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((f) => f !== ''), ...SEARCH];
  const folder = folders.find((f) => existsSync(join(f, name)));
  return folder === undefined ? undefined : /\.so\.([\d.]+)$/.exec(basename(realpathSync(join(folder, name))))?.[1];
}

/** The first thing that the CUDA provider would miss on this machine, in the order in which one would mend it; undefined if nothing is seen. */
export function missingForCuda(m: Machine): { readonly reason: string; readonly hint: string } | undefined {
  const missing = (name: string): boolean => m.libraries.some((l) => l.name === name && !l.found);
  if (missing('libcuda.so.1'))
    return { reason: 'no NVIDIA driver: libcuda.so.1 is not found', hint: 'install the NVIDIA driver' };
  if (!m.onnxruntime.files.includes('libonnxruntime_providers_cuda.so'))
    return { reason: 'the CUDA provider is not installed beside onnxruntime-node', hint: installCuda() };
  const library = m.libraries.find(
    (l) => /^libcu(dart|blas|fft|rand)|^libcufft/.test(l.name) && !l.found && !l.name.endsWith('.13'),
  );
  if (library) return { reason: `CUDA 12 is not complete: ${library.name} is not found`, hint: INSTALL_CUDA_12 };
  return missing('libcudnn.so.9') ? { reason: 'cuDNN 9 is not found: libcudnn.so.9', hint: INSTALL_CUDNN } : undefined;
}
