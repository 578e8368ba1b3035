import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../files/cache-folder.js';
import { makeFolder } from '../files/write-file.js';
import { nvidiaDriver, vulkanDrivers } from '../machine/drivers.js';
import { bindingFolder, ortFolder, ortVersion } from './package.js';
import type { ProviderProbe } from './provider-probe.js';

/*
 * Providers that do not work here, so that not every command has to try them again: each attempt takes as long as many a model. What is
 * remembered holds for a day, and for as long as nothing changes that decides it: onnxruntime and its libraries, drivers, and the environment.
 */

const DAY = 24 * 60 * 60 * 1000;

/** Variables by which a person chooses GPUs, or says where libraries are. */
const DECIDING = /^(CUDA_|NVIDIA_|VK_|LD_LIBRARY_PATH$|PATH$)/;

interface Memory {
  readonly situation: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly failed: readonly ProviderProbe[];
}

const path = (): string => join(cacheFolder(), 'providers.json');

function situation(deviceId: number | undefined): string {
  const folder = ortFolder();
  const bindings = bindingFolder(folder);
  const variables = Object.entries(process.env).filter(([name]) => DECIDING.test(name));
  return JSON.stringify([
    deviceId ?? 0,
    folder,
    folder === undefined ? undefined : ortVersion(folder),
    bindings === undefined ? [] : readdirSync(bindings).sort(),
    nvidiaDriver(),
    vulkanDrivers(),
    variables.map((entry) => entry.join('=')).sort(),
  ]);
}

/** The providers that did not work when they were last tried here. */
export function rememberedFailures(deviceId: number | undefined): readonly ProviderProbe[] {
  try {
    const memory = JSON.parse(readFileSync(path(), 'utf8')) as Partial<Memory>;
    const fresh = typeof memory.at === 'number' && Math.abs(Date.now() - memory.at) < DAY;
    if (!fresh || memory.situation !== situation(deviceId) || !Array.isArray(memory.failed)) return [];
    return memory.failed.filter((p: Partial<ProviderProbe>) => p.works === false && typeof p.reason === 'string');
  } catch {
    return [];
  }
}

/** From now on, for a day. Where the cache cannot be written, they are tried again. */
export async function rememberFailures(probes: readonly ProviderProbe[], deviceId: number | undefined): Promise<void> {
  const memory: Memory = { situation: situation(deviceId), at: Date.now(), failed: probes.filter((p) => !p.works) };
  try {
    await makeFolder(cacheFolder());
    writeFileSync(path(), JSON.stringify(memory));
  } catch {
    return;
  }
}
