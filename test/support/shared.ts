import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

/*
 * The ground truth: a folder named `shared` beside the project's, with reference outputs, hostile files and the conformance corpus. Most
 * tests do without it. Those that need it are skipped where it is absent, and fail there when CNNX_REQUIRE_SHARED=1.
 */

const FOLDER = join(projectRoot(), '..', 'shared');

function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const hasShared = existsSync(join(FOLDER, 'reference'));

/** Slow suites run too: the whole corpus, every large model, fuzzing. */
export const isFull = Boolean(process.env.CNNX_FULL);

/** The path of something in the ground truth, as in `shared('reference/hostile')`. Throws, saying so, when it is not there. */
export function shared(path: string): string {
  const full = join(FOLDER, path);
  if (!existsSync(full)) throw new Error(`the ground truth has no ${path}: expected it at ${full}`);
  return full;
}

export const sharedHas = (path: string): boolean => existsSync(join(FOLDER, path));

export const sharedBytes = (path: string): Uint8Array => readFileSync(shared(path));

export const sharedJson = (path: string): unknown => JSON.parse(readFileSync(shared(path), 'utf8'));

/** A `describe` for tests that need the ground truth. `build` runs only where the folder is, so it may read files at once. */
export function describeShared(name: string, build: () => void): void {
  if (hasShared) describe(name, build);
  else if (process.env.CNNX_REQUIRE_SHARED === '1')
    throw new Error(`CNNX_REQUIRE_SHARED=1, but the ground truth is absent: expected it at ${FOLDER}`);
  // Reason: the ground truth is no part of the project; a clone without it tests all the rest, and CI requires it.
  else describe.skip(`${name} (needs ${FOLDER})`, build);
}

/** One model of the conformance corpus. */
export interface CorpusModel {
  /** `SOURCE/NAME`, as in index.json. */
  readonly name: string;
  readonly path: string;
  /** Folders of `input_N.pb` and `output_N.pb`. */
  readonly dataSets: readonly string[];
  /** Tolerances of its own, if any. */
  readonly rtol: number | undefined;
  readonly atol: number | undefined;
}

interface IndexEntry {
  readonly data_sets: number;
  readonly rtol?: number;
  readonly atol?: number;
}

/** Every model of the corpus, in the order of its index. Unpacks the archive once, into a folder named after the archive's hash. */
export function corpus(): readonly CorpusModel[] {
  const folder = unpackCorpus();
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Record<string, IndexEntry>;
  return Object.entries(index).map(([name, entry]) => ({
    name,
    path: join(folder, name, 'model.onnx'),
    dataSets: readdirSync(join(folder, name))
      .filter((f) => f.startsWith('test_data_set_'))
      .sort()
      .map((f) => join(folder, name, f)),
    rtol: entry.rtol,
    atol: entry.atol,
  }));
}

function unpackCorpus(): string {
  const archive = shared('corpus/onnx-corpus.tar.gz');
  const hash = createHash('sha256').update(readFileSync(archive)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `cnnx-corpus-${hash}`);
  if (existsSync(folder)) return join(folder, 'onnx-corpus');
  // Test files run in parallel: each that finds nothing unpacks beside the place, and the first one's folder stays.
  mkdirSync(tmpdir(), { recursive: true });
  const fresh = mkdtempSync(join(tmpdir(), 'cnnx-corpus-'));
  execFileSync('tar', ['xzf', archive, '-C', fresh]);
  try {
    renameSync(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  return join(folder, 'onnx-corpus');
}
