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
    return ort;
  } catch (error) {
    throw new CnnxError(
      'runtime/provider',
      `onnxruntime-node cannot be loaded on ${process.platform} ${process.arch}: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'there are binaries for Linux with glibc, Windows (x64, arm64) and macOS (arm64)', cause: error },
    );
  }
}
