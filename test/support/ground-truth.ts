import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/*
 * Reference outputs, checkpoints and hostile files that were made for this project: test/ground-truth/README.md says
 * how. They are part of the repository, so tests may read them at any time.
 */

/** The path of something in test/ground-truth, as in `groundTruth('hostile/sound/mlp.onnx')`. */
export const groundTruth = (path: string): string => fileURLToPath(new URL(`../ground-truth/${path}`, import.meta.url));

/** Its bytes, unpacked where it is a .gz. */
export function groundTruthBytes(path: string): Uint8Array {
  const bytes = readFileSync(groundTruth(path));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

export const groundTruthJson = (path: string): unknown => JSON.parse(new TextDecoder().decode(groundTruthBytes(path)));
