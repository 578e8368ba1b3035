import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of the system's; empty where it is not there. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Version of NVIDIA's kernel driver. */
export const nvidiaDriver = (): string | undefined =>
  /Kernel Module\s+(?:for \S+\s+)?([\d.]+)/.exec(textOf('/proc/driver/nvidia/version'))?.[1];

/** Where Vulkan's loader looks, unless the environment names the files. */
const VULKAN_FOLDERS = ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'];

/** Manifests of Vulkan drivers, on Linux. */
export function vulkanDrivers(): string[] {
  if (process.platform !== 'linux') return [];
  const named = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
  if (named !== undefined) return named.split(':').filter((path) => existsSync(path));
  return VULKAN_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => join(folder, file)),
  );
}
