import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundled } from '../bundle.js';

/** An input that takes longer, of the processor's time, is a failure. */
const SLOW_MS = 2000;
/** One that gives no answer for so long, by the clock, hangs: its process is ended, and another goes on after it. */
const HANG_MS = 60_000;
/** Failures after which a campaign ends. */
const LISTED = 20;

const PROGRAM = new URL('./child.ts', import.meta.url);

export interface Campaign {
  readonly from: number;
  readonly below: number;
  readonly processes: number;
  /** Hears of every failure at once, and once in a while how far it is. */
  readonly say?: ((text: string) => void) | undefined;
}

export interface Results {
  readonly outcomes: ReadonlyMap<string, number>;
  /** The seed, and what went wrong. */
  readonly failures: readonly string[];
}

interface Line {
  readonly outcome?: string;
  readonly failure?: string;
  readonly ms: number;
}

/** Runs seeds over files in processes of their own, so that what hangs or crashes is named and the rest goes on. */
export async function fuzz(files: readonly Uint8Array[], campaign: Campaign): Promise<Results> {
  const program = await bundled(PROGRAM);
  const folder = mkdtempSync(join(tmpdir(), 'cnnx-fuzz-'));
  files.forEach((bytes, i) => writeFileSync(join(folder, String(i).padStart(6, '0')), bytes));
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  let done = 0;
  const failed = (seed: number, what: string): void => {
    failures.push(`seed ${seed}: ${what}`);
    campaign.say?.(`seed ${seed}: ${what}`);
  };
  const answered = (seed: number, line: Line): void => {
    if (line.outcome !== undefined) outcomes.set(line.outcome, (outcomes.get(line.outcome) ?? 0) + 1);
    if (line.failure !== undefined) failed(seed, line.failure.slice(0, 900));
    if (line.ms > SLOW_MS) failed(seed, `${line.ms} ms`);
    done += 1;
    if (done % 1000 === 0) campaign.say?.(`${done} inputs`);
  };
  const series = async (first: number): Promise<void> => {
    for (let from = first; from < campaign.below && failures.length < LISTED; ) {
      const args = [program, folder, String(from), String(campaign.below), String(campaign.processes)];
      const end = await run(args, answered, () => failures.length >= LISTED);
      if (end === undefined) return;
      failed(end.seed, end.why);
      from = end.seed + campaign.processes;
    }
  };
  await Promise.all(Array.from({ length: campaign.processes }, (_, i) => series(campaign.from + i)));
  rmSync(folder, { recursive: true, force: true });
  return { outcomes, failures };
}

/** One process until it is through; otherwise the seed that it ended at, and how. */
function run(
  args: readonly string[],
  answered: (seed: number, line: Line) => void,
  enough: () => boolean,
): Promise<{ seed: number; why: string } | undefined> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['--enable-source-maps', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [rest, errors, seed, hangs] = ['', '', -1, false];
    const stop = (): void => {
      hangs = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(stop, HANG_MS);
    child.stdout.on('data', (piece: Buffer) => {
      clearTimeout(timer);
      timer = setTimeout(stop, HANG_MS);
      const lines = (rest + piece.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const space = line.indexOf(' ');
        seed = Number(space < 0 ? line : line.slice(0, space));
        if (space > 0) answered(seed, JSON.parse(line.slice(space)) as Line);
      }
      if (enough()) child.kill('SIGKILL');
    });
    child.stderr.on('data', (piece: Buffer) => (errors = (errors + piece.toString()).slice(-2000)));
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || (enough() && !hangs)) return done(undefined);
      if (seed < 0) return fail(new Error(`the fuzzing process did not start: ${errors}`));
      done({ seed, why: hangs ? `no answer within ${HANG_MS / 1000} s` : `ended with ${code ?? signal}: ${errors}` });
    });
  });
}
