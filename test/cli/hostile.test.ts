import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { MAIN } from '../support/cli.js';
import { groundTruth, groundTruthJson } from '../support/ground-truth.js';
import { isFull } from '../support/shared.js';

interface Entry {
  readonly file: string;
  readonly verdict: 'refuse' | 'accept' | 'either' | 'checker';
}

interface Usage {
  /** Microseconds. */
  readonly userCPUTime: number;
  readonly systemCPUTime: number;
  /** KiB. */
  readonly maxRSS: number;
}

const AT_EXIT = fileURLToPath(new URL('../../dist/bench/at-exit.js', import.meta.url));
/** One file in so many, in the quick run. */
const SLICE = 12;
/** Exit codes that a verdict allows. */
type Exits = Readonly<Record<Entry['verdict'], readonly number[]>>;
const CHECKED: Exits = { refuse: [2], checker: [2], accept: [0], either: [0, 2] };
/** A model that breaks a graph's rules can be shown. */
const SHOWN: Exits = { ...CHECKED, checker: [0, 2] };
/** onnxruntime has its own mind about what it runs. */
const RUN: Exits = { ...CHECKED, checker: [0, 2, 3], accept: [0, 1, 3], either: [0, 1, 2, 3] };

interface Command {
  readonly name: string;
  readonly exits: Exits;
  readonly args: (path: string, out: string) => readonly string[];
}

/** What reads models; the first of them in the quick run too. */
const COMMANDS: readonly Command[] = [
  { name: 'fuse', exits: CHECKED, args: (path, out) => [path, '--no-verify', '-o', out] },
  { name: 'convert', exits: SHOWN, args: (path, out) => [path, '-o', out] },
  { name: 'inspect', exits: SHOWN, args: (path) => [path] },
  { name: 'verify', exits: RUN, args: (path) => [path, path] },
];
const LIMIT = { seconds: 2, megabytes: 300 };

const folder = mkdtempSync(join(tmpdir(), 'cnnx-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('hostile files through the command line', () => {
  const { files } = groundTruthJson('hostile/manifest.json') as { files: readonly Entry[] };
  const sample = files.filter((_, i) => isFull || i % SLICE === 0);

  const runs = sample.flatMap((entry) => COMMANDS.slice(0, isFull ? undefined : 1).map((c) => ({ ...entry, ...c })));

  test.each(runs)('$name $file: $verdict', ({ file, verdict, name, exits, args }) => {
    const out = join(folder, 'out.onnx');
    rmSync(out, { force: true });
    const given = args(groundTruth(`hostile/${file}`), out);
    const run = spawnSync(process.execPath, ['--import', AT_EXIT, MAIN, name, ...given], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    expect(exits[verdict], run.stderr).toContain(run.status);
    expect(existsSync(out)).toBe(run.status === 0 && given.includes(out));
    expect(run.stderr).not.toMatch(/^ {4}at /m);
    if (run.status === 2) expect(run.stderr).toMatch(/^error/m);
    const usage = JSON.parse(run.output[3] ?? '') as Usage;
    expect((usage.userCPUTime + usage.systemCPUTime) / 1e6).toBeLessThan(LIMIT.seconds);
    expect(usage.maxRSS / 1024).toBeLessThan(LIMIT.megabytes);
  });
});
