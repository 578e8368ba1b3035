import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';

/*
 * What others made and tests use: a folder named `shared` beside the project's, with the conformance corpus, exported
 * multi-branch models and trained networks. It is no part of a clone. Tests that need it stand in `describeShared`;
 * they are skipped where the folder is absent, and fail there when CNNX_REQUIRE_SHARED=1. What is part of the
 * repository is read through ground-truth.ts.
 */

const FOLDER = join(projectRoot(), '..', 'shared');

function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** Vitest is collecting tests, not running them: set by collection.ts. */
let collecting = false;

export function setCollecting(now: boolean): void {
  collecting = now;
}

export const hasShared = existsSync(join(FOLDER, 'reference'));

/** Slow suites run too: the whole corpus, every large model, fuzzing. */
export const isFull = Boolean(process.env.CNNX_FULL);

/**
 * The path of something in the folder, as in `shared('reference/reparam')`. Throws, saying so, when it is not there;
 * and while tests are collected, since the bodies of skipped suites run then too.
 */
export function shared(path: string): string {
  if (collecting) throw new Error(`shared('${path}') at collection: read it inside a test or in beforeAll`);
  const full = join(FOLDER, path);
  if (!existsSync(full)) throw new Error(`../shared has no ${path}: expected it at ${full}`);
  return full;
}

export const sharedBytes = (path: string): Uint8Array => readFileSync(shared(path));

export const sharedJson = (path: string): unknown => JSON.parse(readFileSync(shared(path), 'utf8'));

/** A `describe` for tests that need the folder. */
export function describeShared(name: string, build: () => void): void {
  if (hasShared) describe(name, build);
  else if (process.env.CNNX_REQUIRE_SHARED === '1')
    throw new Error(`CNNX_REQUIRE_SHARED=1, but ../shared is absent: expected it at ${FOLDER}`);
  // Reason: the folder is no part of the project; a clone without it tests all the rest, and CI requires it.
  else test.skip(`${name}: needs ${FOLDER}`, () => {});
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

/**
 * Every model of the corpus, in the order of its index. Unpacks the archive once, into a folder named after the
 * archive's hash.
 */
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
