import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  type Answer,
  type Failure,
  fromWire,
  type Loaded,
  type Reply,
  type Request,
  toWire,
  type Usage,
  type WireTensor,
} from './child-messages.js';
import type { Port, Session, SessionOptions } from './session.js';

export interface ChildLimits {
  /** For loading a model, or one run; in milliseconds. */
  readonly timeout?: number | undefined;
  /** Resident memory of the process, in bytes. */
  readonly memory?: number | undefined;
  /** Let onnxruntime print its errors, for `standardError`. */
  readonly logErrors?: boolean | undefined;
  /** Variables of its environment, beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Loading and one run of a large network take seconds; some files keep onnxruntime busy for ever. */
const TIMEOUT = 120_000;

/** Enough for any model that fits the machine; a file that makes onnxruntime allocate without end is stopped before the system is. */
const MEMORY = Math.floor(totalmem() * 0.8);

/** How much of what the process printed is kept: its last words. */
const LAST_WORDS = 4096;

interface Pending {
  readonly resolve: (value: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Runs models in a process of its own. That process hanging, crashing or growing beyond its limit is an error `runtime/child` for whoever
 * waits for it, and the next model starts a new one. Call `close` when done; it also ends with this process.
 */
export class ModelProcess {
  readonly #timeout: number;
  readonly #memory: number;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #stderr = '';
  #count = 0;
  #timedOut = false;
  readonly #limits: ChildLimits;

  constructor(limits: ChildLimits = {}) {
    this.#limits = limits;
    this.#timeout = limits.timeout ?? TIMEOUT;
    this.#memory = limits.memory ?? MEMORY;
  }

  /** Loads a model from a file or from bytes. Throws `runtime/session`, `runtime/provider` and `runtime/child`. */
  async load(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const loaded = await this.#ask({ kind: 'load', model, options });
    if (!isLoaded(loaded)) throw new Error('bug: the model process answered a load with something else');
    return new ChildSession((request) => this.#ask(request), loaded);
  }

  /** The last of what the process printed on standard error. */
  get standardError(): string {
    return this.#stderr;
  }

  /** The largest resident size of the process so far, in bytes. */
  async peakMemory(): Promise<number> {
    const usage = await this.#ask({ kind: 'usage' });
    if (!isUsage(usage)) throw new Error('bug: the model process answered a question about memory with something else');
    return usage.peakMemory;
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  #ask(request: Request): Promise<Answer> {
    this.#child ??= this.#start();
    const child = this.#child;
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#timedOut = true;
        child.kill('SIGKILL');
      }, this.#timeout);
      this.#pending.set(id, { resolve, reject, timer });
      child.ref();
      child.channel?.ref();
      // A failure to send is followed by the child's end, which tells more.
      child.send({ id, request }, () => {});
    });
  }

  #start(): ChildProcess {
    this.#stderr = '';
    this.#timedOut = false;
    const args = [String(this.#memory), ...(this.#limits.logErrors ? ['log-errors'] : [])];
    const child = fork(childModule(), args, {
      serialization: 'advanced',
      env: { ...process.env, ...this.#limits.env },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const killed = (): boolean => child.kill('SIGKILL');
    process.once('exit', killed);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS);
    });
    child.on('message', (reply: Reply) => this.#settle(child, reply));
    // 'close' comes after the last of standard error; 'error' when there is no process at all.
    child.on('close', (code, signal) => {
      process.off('exit', killed);
      this.#lost(child, this.#lastWords(code, signal));
    });
    child.on('error', (error) => this.#lost(child, error.message));
    return child;
  }

  #settle(child: ChildProcess, reply: Reply): void {
    const waiting = this.#pending.get(reply.id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) letGo(child);
    if ('failure' in reply) waiting.reject(errorOf(reply.failure));
    else waiting.resolve(reply.value);
  }

  #lost(child: ChildProcess, why: string): void {
    if (this.#child === child) this.#child = undefined;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new CnnxError('runtime/child', `the process that ran the model ${why}`));
    }
    this.#pending.clear();
  }

  #lastWords(code: number | null, signal: string | null): string {
    if (this.#timedOut) return `did not finish within ${this.#timeout / 1000} s`;
    if (this.#stderr.endsWith('cnnx: memory limit'))
      return `needed more than ${Math.round(this.#memory / 2 ** 20)} MB of memory`;
    const words = this.#stderr.trim().split('\n').at(-1) ?? '';
    return `ended by ${signal ?? `exit code ${code}`}${words === '' ? '' : `: ${printable(words, 300)}`}`;
  }
}

const isLoaded = (answer: Answer): answer is Loaded => answer !== undefined && 'session' in answer;
const isUsage = (answer: Answer): answer is Usage => answer !== undefined && 'peakMemory' in answer;

/** An idle child does not keep this process alive. */
function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
}

class ChildSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #ask: (request: Request) => Promise<Answer>;
  readonly #session: number;

  constructor(ask: (request: Request) => Promise<Answer>, loaded: Loaded) {
    this.#ask = ask;
    this.#session = loaded.session;
    this.inputs = loaded.inputs;
    this.outputs = loaded.outputs;
  }

  async run(feeds: ReadonlyMap<string, Tensor>, fetches?: readonly string[]): Promise<ReadonlyMap<string, Tensor>> {
    const results = await this.#ask({ kind: 'run', session: this.#session, feeds: toWire(feeds), fetches });
    if (!(results instanceof Map)) throw new Error('bug: the model process answered a run with something else');
    return fromWire(results as ReadonlyMap<string, WireTensor>);
  }

  async time(feeds: ReadonlyMap<string, Tensor> | undefined, count: number): Promise<readonly number[]> {
    const times = await this.#ask({ kind: 'time', session: this.#session, feeds: feeds && toWire(feeds), count });
    if (!Array.isArray(times)) throw new Error('bug: the model process answered a timing with something else');
    return times as readonly number[];
  }

  async release(): Promise<void> {
    await this.#ask({ kind: 'release', session: this.#session });
  }
}

function errorOf({ code, message, hint, at }: Failure): Error {
  return code === undefined ? new Error(message) : new CnnxError(code, message, { hint, at });
}

function childModule(): string {
  const beside = fileURLToPath(new URL('./child-main.js', import.meta.url));
  // The sources run as TypeScript only under a test runner, and a plain process cannot: it runs the build.
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/src/runtime/child-main.js', import.meta.url));
}
