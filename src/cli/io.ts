import { once } from 'node:events';
import { isatty } from 'node:tty';
import pc from 'picocolors';
import type { CnnxError, Where } from '../base/errors.js';
import { printable } from '../base/text.js';
import { jsonPieces } from './json-pieces.js';

/** Characters that are written at once. */
const BLOCK = 2 ** 16;

/** The form of every report of `--json` (docs/json.md); another number when a field changes its meaning or goes. */
const SCHEMA_VERSION = 1;

/** An error as reports of `--json` have it. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly at?: Where | undefined;
  readonly hint?: string | undefined;
}

export const errorReport = ({ code, message, at, hint }: CnnxError): ErrorReport => ({
  code,
  message,
  at: Object.keys(at).length === 0 ? undefined : at,
  hint,
});

/** What commands say to people and programs: results on standard output, everything else on standard error. */
class Io {
  #exitCode = 0;
  #line = '';
  #reported = false;
  /** Say what is left out otherwise. */
  verbose = false;

  /** The highest code that anything asked for. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** A check failed, or one of several inputs did; the work goes on. */
  fail(code: number): void {
    this.#exitCode = Math.max(this.#exitCode, code);
  }

  /** A result. */
  print(text: string): void {
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  /** A result about a file that was written to `out`: on standard error when standard output is that file. */
  printBeside(out: string, text: string): void {
    if (out === '-') this.note(text);
    else this.print(text);
  }

  /** The report of a command under `--json`: one JSON text, whatever happens. */
  report(command: string, value: object): Promise<void> {
    return this.json({ schemaVersion: SCHEMA_VERSION, command, ...value });
  }

  /** Whether something was written as JSON: nothing may follow it. */
  get reported(): boolean {
    return this.#reported;
  }

  /** A result for programs: see `jsonPieces`. A long one is made no faster than it is read. */
  async json(value: unknown): Promise<void> {
    this.#reported = true;
    this.#clear();
    let text = '';
    for (const piece of jsonPieces(value)) {
      text += piece;
      if (text.length < BLOCK) continue;
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
      text = '';
    }
    this.print(text);
  }

  /** Something worth knowing that is no result. */
  note(text: string): void {
    this.#clear();
    process.stderr.write(`${text}\n`);
  }

  /** What only those want to know who asked for it. */
  detail(text: string): void {
    if (this.verbose) this.note(text);
  }

  warn(text: string): void {
    this.note(`${this.colors.yellow('warning:')} ${text}`);
  }

  /** One line about an error, then where, what to do, and its code. */
  error(error: CnnxError): void {
    this.note(`${this.colors.red('error:')} ${error.message}`);
    const at = Object.entries(error.at)
      .filter(([, v]) => v !== undefined)
      .map(([key, v]) => `${key} ${printable(String(v))}`);
    if (at.length > 0) this.note(`  at: ${at.join(', ')}`);
    if (error.hint !== undefined) this.note(`  hint: ${error.hint}`);
    this.note(`  code: ${error.code}`);
    this.fail(error.exitCode);
  }

  /** What is being done, on one line that the next output replaces; silent unless a person watches. */
  progress(text: string): void {
    if (!process.stderr.isTTY) return;
    this.#clear();
    this.#line = printable(text, Math.max(20, (process.stderr.columns ?? 80) - 2));
    process.stderr.write(this.#line);
  }

  #clear(): void {
    if (this.#line !== '') process.stderr.write('\r\u001b[2K');
    this.#line = '';
  }

  /** Colours for standard error and output, only on a terminal and not under NO_COLOR. */
  get colors(): ReturnType<typeof pc.createColors> {
    return pc.createColors(isatty(1) && isatty(2) && pc.isColorSupported);
  }
}

export const io = new Io();
