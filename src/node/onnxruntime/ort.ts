import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import { CnnxError } from '../../base/errors.js';
import { ensureOrt } from './package.js';

let loaded: Promise<typeof Ort> | undefined;
let logLevel: 'fatal' | 'error' = 'fatal';

/** Lets onnxruntime print its errors on standard error, where it says why a provider does not load. Before the first session only. */
export function logErrors(): void {
  logLevel = 'error';
}

/**
 * onnxruntime-node, loaded when first needed: its binary takes tens of milliseconds. Its own log goes to standard error whatever we do with
 * errors, unless it is silenced before the first session. Throws `runtime/missing`, and `runtime/provider`
 * where there is no binary for this system.
 */
export function onnxruntime(): Promise<typeof Ort> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<typeof Ort> {
  const folder = await ensureOrt();
  try {
    const ort = createRequire(import.meta.url)(folder) as typeof Ort;
    ort.env.logLevel = logLevel;
    withoutFloat16Array(() => new ort.Tensor('bool', [true], []));
    return ort;
  } catch (error) {
    throw new CnnxError(
      'runtime/provider',
      `onnxruntime-node cannot be loaded on ${process.platform} ${process.arch}: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'there are binaries for Linux with glibc, Windows (x64, arm64) and macOS (arm64)', cause: error },
    );
  }
}

/**
 * From Node 24 on there is a Float16Array. onnxruntime-common then wants it for float16, which it decides at the first tensor, while the binding of
 * onnxruntime-node takes such an array for an empty one. Without it both agree on Uint16Array.
 */
function withoutFloat16Array(action: () => unknown): void {
  const found = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (found) Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    action();
  } finally {
    if (found) Object.defineProperty(globalThis, 'Float16Array', found);
  }
}
