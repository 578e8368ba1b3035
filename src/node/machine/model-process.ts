import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Tensor } from '../../tensor/tensor.js';
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
import type { Drawing } from '../../running/draw.js';
import type { KernelRun } from '../../running/kernels.js';
import type { RunLimits } from '../../running/runner.js';
import type { Feeds, Port, Session } from '../../running/session.js';
import { ensureOrt } from '../onnxruntime/package.js';
import type { OrtSessionOptions } from '../onnxruntime/session.js';

export interface ProcessLimits extends RunLimits {
  /** Let onnxruntime print its errors, for `standardError`. */
  readonly logErrors?: boolean | undefined;
}

/**
 * Matrix products on Ampere and later round to TF32 by default, far above the noise of float32; NVIDIA's own switch for
 * it.
 */
const FULL_PRECISION = { NVIDIA_TF32_OVERRIDE: '0' } as const;

/** Small models load and run in milliseconds; some small files keep onnxruntime busy for ever. */
const LEAST_TIMEOUT = 8_000;

/**
 * Loading takes about 10 ms a megabyte, and so does a run of a large network: a hundred times that is no hurry even on
 * a busy machine.
 */
const TIMEOUT_PER_MEGABYTE = 1_000;

/**
 * Of the memory that this process may use: what a model needs beyond that would stop the system, not only the model.
 */
const MEMORY_SHARE = 0.8;

/** A container's limit is less than the machine's memory, or unknown (0) or absurd where there is none. */
function usableMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** How much of what the process printed is kept: its last words. */
const LAST_WORDS = 4096;

interface Pending {
  readonly resolve: (value: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Runs models in a process of its own. That process hanging, crashing or growing beyond its limit is an error
 * `runtime/child` for whoever waits for it, and the next model starts a new one. Call `close` when done; it also ends
 * with this process.
 */
export class ModelProcess {
  readonly #memory: number;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #stderr = '';
  #count = 0;
  #timedOut: number | undefined;
  readonly #limits: ProcessLimits;

  constructor(limits: ProcessLimits = {}) {
    this.#limits = limits;
    this.#memory = limits.memory ?? Math.floor(usableMemory() * MEMORY_SHARE);
  }

  /**
   * Loads a model from a file or from bytes. `weightBytes` says how large it is where its weights stand elsewhere.
   * Throws `runtime/session`, `runtime/provider`, `runtime/missing` and `runtime/child`.
   */
  async load(model: string | Uint8Array, options: OrtSessionOptions = {}, weightBytes = 0): Promise<Session> {
    // Here, where nobody watches the clock: it may have to be fetched.
    await ensureOrt();
    const megabytes = Math.max(weightBytes, sizeOf(model)) / 2 ** 20;
    const timeout = this.#limits.timeout ?? LEAST_TIMEOUT + TIMEOUT_PER_MEGABYTE * megabytes;
    const loading = this.#ask({ kind: 'load', model, options }, timeout);
    const child = this.#child;
    // A session ends with its process: the next process counts its own sessions from 1 again.
    const ask = async (request: Request): Promise<Answer> => {
      if (this.#child === child) return this.#ask(request, timeout);
      if (request.kind === 'release') return undefined;
      throw new CnnxError('runtime/child', 'the process that ran the model has ended', {
        hint: 'load the model again: the next one has a process of its own',
      });
    };
    const loaded = await loading;
    if (!isLoaded(loaded)) throw new Error('bug: the model process answered a load with something else');
    return new ChildSession(ask, loaded);
  }

  /** The last of what the process printed on standard error. */
  get standardError(): string {
    return this.#stderr;
  }

  /** The largest resident size of the process so far, in bytes. */
  async peakMemory(): Promise<number> {
    const usage = await this.#ask({ kind: 'usage' }, LEAST_TIMEOUT);
    if (!isUsage(usage)) throw new Error('bug: the model process answered a question about memory with something else');
    return usage.peakMemory;
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  #ask(request: Request, timeout: number): Promise<Answer> {
    this.#child ??= this.#start();
    const child = this.#child;
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#timedOut = timeout;
        child.kill('SIGKILL');
      }, timeout);
      this.#pending.set(id, { resolve, reject, timer });
      child.ref();
      child.channel?.ref();
      // A failure to send is followed by the child's end, which tells more.
      child.send({ id, request }, () => {});
    });
  }

  #start(): ChildProcess {
    this.#stderr = '';
    this.#timedOut = undefined;
    const args = [String(this.#memory), ...(this.#limits.logErrors ? ['log-errors'] : [])];
    const child = fork(childModule(), args, {
      serialization: 'advanced',
      env: { ...process.env, ...(this.#limits.fullPrecision && FULL_PRECISION) },
      execArgv: [],
      // In a group of its own: Ctrl-C is for this process, which ends the other with it.
      detached: process.platform !== 'win32',
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
    if (this.#timedOut !== undefined) return `did not finish within ${Math.round(this.#timedOut / 1000)} s`;
    if (this.#stderr.endsWith('cnnx: memory limit'))
      return `needed more than ${Math.round(this.#memory / 2 ** 20)} MB of memory`;
    const words = this.#stderr.trim().split('\n').at(-1) ?? '';
    return `ended by ${signal ?? `exit code ${code}`}${words === '' ? '' : `: ${printable(words, 300)}`}`;
  }
}

const sizeOf = (model: string | Uint8Array): number =>
  typeof model === 'string' ? (statSync(model, { throwIfNoEntry: false })?.size ?? 0) : model.byteLength;

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

  async draw(drawing: Drawing): Promise<Feeds> {
    const drawn = await this.#ask({ kind: 'draw', drawing });
    if (!(drawn instanceof Map)) throw new Error('bug: the model process answered a drawing with something else');
    return fromWire(drawn as ReadonlyMap<string, WireTensor>);
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

  async release(): Promise<readonly KernelRun[]> {
    await this.#ask({ kind: 'release', session: this.#session });
    return [];
  }
}

function errorOf({ code, message, hint, at }: Failure): Error {
  return code === undefined ? new Error(message) : new CnnxError(code, message, { hint, at });
}

function childModule(): string {
  // In the bundle, in the library, and for the sources, which run as TypeScript only under a test runner: a plain
  // process cannot, and runs the build.
  const places = ['./child-main.cjs', './child-main.js', '../../../dist/src/node/machine/child-main.js'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const found = places.find(existsSync);
  if (found === undefined) throw new Error(`bug: there is no program for models at ${places.join(' or ')}`);
  return found;
}
