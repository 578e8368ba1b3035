import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What one whole process took. */
export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMB: number;
}

const AT_EXIT = fileURLToPath(new URL('./at-exit.js', import.meta.url));

/** Runs a Node program to its end. Throws with its error output when it fails. */
export function run(args: readonly string[], cwd: string): Promise<Cost> {
  return new Promise((done, fail) => {
    const start = performance.now();
    const child = spawn(process.execPath, ['--import', AT_EXIT, ...args], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let [errors, report] = ['', ''];
    child.stderr?.on('data', (d: Buffer) => (errors += d.toString()));
    child.stdio[3]?.on('data', (d: Buffer) => (report += d.toString()));
    child.on('error', fail);
    child.on('close', (code) => {
      const wallMs = performance.now() - start;
      if (code !== 0) return fail(new Error(`${args.join(' ')} ended with ${code}: ${errors}`));
      const usage = JSON.parse(report) as NodeJS.ResourceUsage;
      done({ wallMs, cpuMs: (usage.userCPUTime + usage.systemCPUTime) / 1000, peakMB: usage.maxRSS / 1024 });
    });
  });
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export interface Compared {
  readonly cost: Cost;
  readonly floor: Cost;
  /** Median of the ratios of neighbouring runs: noise that lasts longer than one pair cancels. */
  readonly ratio: number;
}

const middle = (costs: readonly Cost[]): Cost => ({
  wallMs: median(costs.map((c) => c.wallMs)),
  cpuMs: median(costs.map((c) => c.cpuMs)),
  peakMB: median(costs.map((c) => c.peakMB)),
});

/** A program and its floor in turns, `rounds` times after one of each to warm the disk cache; of no rounds, that one counts. */
export async function compare(
  program: readonly string[],
  floor: readonly string[],
  cwd: string,
  rounds = 5,
): Promise<Compared> {
  const pairs: { cost: Cost; floor: Cost }[] = [];
  for (let i = 0; i <= rounds; i++) {
    const pair = { floor: await run(floor, cwd), cost: await run(program, cwd) };
    if (i > 0 || rounds === 0) pairs.push(pair);
  }
  return {
    cost: middle(pairs.map((p) => p.cost)),
    floor: middle(pairs.map((p) => p.floor)),
    ratio: median(pairs.map((p) => p.cost.wallMs / p.floor.wallMs)),
  };
}
