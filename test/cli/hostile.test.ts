import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { MAIN } from '../support/cli.js';
import { describeShared, isFull, shared, sharedJson } from '../support/shared.js';

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
const EXITS = { refuse: [2], checker: [2], accept: [0], either: [0, 2] } as const;
const LIMIT = { seconds: 2, megabytes: 300 };

const folder = mkdtempSync(join(tmpdir(), 'cnnx-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeShared('hostile files through the command line', () => {
  const { files } = sharedJson('reference/hostile/manifest.json') as { files: readonly Entry[] };
  const sample = files.filter((_, i) => isFull || i % SLICE === 0);

  test.each(sample)('$file: $verdict', ({ file, verdict }) => {
    const out = join(folder, 'out.onnx');
    rmSync(out, { force: true });
    const args = ['--import', AT_EXIT, MAIN, 'fuse', shared(`reference/hostile/${file}`), '--no-verify', '-o', out];
    const run = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], encoding: 'utf8' });
    expect(EXITS[verdict], run.stderr).toContain(run.status);
    expect(existsSync(out)).toBe(run.status === 0);
    expect(run.stderr).not.toMatch(/^ {4}at /m);
    if (run.status === 2) expect(run.stderr).toMatch(/^error/m);
    const usage = JSON.parse(run.output[3] ?? '') as Usage;
    expect((usage.userCPUTime + usage.systemCPUTime) / 1e6).toBeLessThan(LIMIT.seconds);
    expect(usage.maxRSS / 1024).toBeLessThan(LIMIT.megabytes);
  });
});
