import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../dist/bundle/cli/main.cjs', import.meta.url));

export interface CliResult {
  /** The exit code, or the name of the signal. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line as a user would, on a machine whose CI asks for colours. */
export function cnnx(
  args: readonly string[],
  options: { cwd?: string; input?: Uint8Array; env?: Record<string, string>; main?: string } = {},
): Promise<CliResult> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [options.main ?? MAIN, ...args], {
      cwd: options.cwd,
      env: { ...process.env, CI: '1', ...options.env },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => out.push(piece));
    child.stderr.on('data', (piece: Buffer) => err.push(piece));
    child.on('error', fail);
    child.on('close', (code, signal) =>
      done({
        code: code ?? signal ?? '',
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? new Uint8Array(0));
  });
}
