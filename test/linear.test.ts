import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundled } from './support/bundle.js';
import { MAIN } from './support/cli.js';
import { LARGE } from './support/large/models.js';
import { isFull } from './support/shared.js';

/*
 * Time grows as the model does: ten times the nodes take at most twelve times the processor's time, in every step. The quick run looks at
 * smaller models, and at fuse only: there a quadratic step takes a hundred times as long, and what is linear less than ten times, since
 * starting up counts less.
 */

const SIZES = isFull ? ([20_000, 200_000] as const) : ([1000, 10_000] as const);
const MAX_RATIO = 12;
/** Below this, in milliseconds, a step measures the machine and not the model. */
const FLOOR_MS = isFull ? 250 : 400;
/** Runs of the smaller model, of which the median counts. */
const ROUNDS = 3;
/** Kinds of the quick run. */
const QUICK = ['initializers that are inputs', 'adds of a hub'];
/** Through the command line too: it fuses with what constant regions come to. */
const THROUGH_CLI = ['conv, batch-norm, relu', 'adds of a hub', 'constants of a concat'];

interface Measured {
  readonly times: Readonly<Record<string, number>>;
  readonly refused?: string;
  /** MB, the making of the model included. */
  readonly peak: number;
}

const AT_EXIT = fileURLToPath(new URL('../dist/bench/at-exit.js', import.meta.url));
let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-linear-'));
  program = await bundled(new URL('./support/large/child.ts', import.meta.url));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function measure(kind: string, size: number): Measured {
  const run = spawnSync(process.execPath, [program, kind, String(size)], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as Measured;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const row = (kind: string, small: Readonly<Record<string, number>>, large: Measured): string =>
  [
    kind.padEnd(36),
    ...Object.entries(large.times).map(([step, ms]) => {
      const before = small[step] ?? 0;
      return `${step} ${before.toFixed(0)} -> ${ms.toFixed(0)} ms`.padEnd(26);
    }),
    `${large.peak.toFixed(0)} MB ${large.refused ?? ''}`,
  ].join(' ');

test.each(isFull ? Object.keys(LARGE) : QUICK)('%s', { timeout: 1_800_000 }, (kind) => {
  const runs = Array.from({ length: isFull ? ROUNDS : 1 }, () => measure(kind, SIZES[0]));
  const large = measure(kind, SIZES[1]);
  const steps = Object.keys(large.times);
  const small = Object.fromEntries(steps.map((step) => [step, median(runs.map((r) => r.times[step] ?? 0))]));
  if (isFull) process.stderr.write(`${row(kind, small, large)}\n`);
  for (const step of steps)
    expect(large.times[step], `${step}, from ${small[step]} ms`).toBeLessThan(
      MAX_RATIO * Math.max(small[step] ?? 0, FLOOR_MS),
    );
});

test('100,000 levels of graphs are refused at once', () => {
  const { refused, times } = measure('levels of graphs', 100_000);
  expect(refused).toBe('onnx/depth: messages are nested deeper than 100');
  expect(times['read']).toBeLessThan(500);
});

describe.runIf(isFull)('through the command line', () => {
  test.each(THROUGH_CLI)('%s', { timeout: 1_800_000 }, (kind) => {
    const cpu = (size: number): number => {
      const path = join(folder, 'large.onnx');
      writeFileSync(path, LARGE[kind]?.(size) ?? '');
      const args = ['--import', AT_EXIT, MAIN, 'fuse', path, '--no-verify', '-o', join(folder, 'out.onnx')];
      const run = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], encoding: 'utf8' });
      expect(run.status, run.stderr).toBe(0);
      const usage = JSON.parse(run.output[3] ?? '') as NodeJS.ResourceUsage;
      if (isFull)
        process.stderr.write(
          `cnnx fuse, ${kind}, ${size}: ${((usage.userCPUTime + usage.systemCPUTime) / 1000).toFixed(0)} ms, ${(usage.maxRSS / 1024).toFixed(0)} MB\n`,
        );
      return (usage.userCPUTime + usage.systemCPUTime) / 1000;
    };
    expect(cpu(SIZES[1])).toBeLessThan(MAX_RATIO * cpu(SIZES[0]));
  });
});
