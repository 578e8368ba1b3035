import type * as Ort from 'onnxruntime-node';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { DTYPES } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { KernelRun } from '../../running/kernels.js';
import { type Drawing, drawInputs } from '../../running/draw.js';
import { type Feeds, type Port, portText, type Session, type SessionOptions } from '../../running/session.js';
import { onnxruntime } from './ort.js';
import { fromOrt, toOrt } from './ort-tensor.js';

export interface OrtSessionOptions extends SessionOptions {
  /** Where onnxruntime writes its profile: the start of a file name in an existing folder. */
  readonly profilePrefix?: string | undefined;
}

/**
 * Loads a model from a file or from bytes, in this process: a hostile model can take the process with it (see
 * `model-process.ts`). Throws `runtime/session`.
 */
export async function createSession(model: string | Uint8Array, options: OrtSessionOptions = {}): Promise<Session> {
  const ort = await onnxruntime();
  const settings = sessionSettings(options);
  try {
    const session =
      typeof model === 'string'
        ? await ort.InferenceSession.create(model, settings)
        : await ort.InferenceSession.create(model, settings);
    return new OrtSession(ort, session);
  } catch (error) {
    const code = /ExecutionProvider|WebGPU|adapter|no available backend/.test(String(error))
      ? 'runtime/provider'
      : 'runtime/session';
    throw new CnnxError(code, `onnxruntime cannot load the model: ${reason(error)}`, { cause: error });
  }
}

function sessionSettings(options: OrtSessionOptions): Ort.InferenceSession.SessionOptions {
  const { provider = 'cpu', deviceId } = options;
  const first = deviceId === undefined || provider !== 'cuda' ? provider : { name: provider, deviceId };
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [first, 'cpu'],
    graphOptimizationLevel: options.optimization ?? 'all',
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...(options.profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
  };
}

type OrtFeeds = Record<string, Ort.Tensor>;

class OrtSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #ort: typeof Ort;
  readonly #session: Ort.InferenceSession;
  #timed: OrtFeeds | undefined;

  constructor(ort: typeof Ort, session: Ort.InferenceSession) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = session.inputMetadata.map(portOf);
    this.outputs = session.outputMetadata.map(portOf);
  }

  draw(drawing: Drawing): Promise<Feeds> {
    return Promise.resolve(drawInputs(drawing));
  }

  async run(feeds: ReadonlyMap<string, Tensor>, fetches?: readonly string[]): Promise<ReadonlyMap<string, Tensor>> {
    const names = fetches ?? this.outputs.map((o) => o.name);
    const results = await this.#compute(this.#feeds(feeds), names);
    return new Map(
      names.map((name) => {
        const value = results[name];
        if (!value) throw new CnnxError('runtime/run', `onnxruntime gave no value for the output ${printable(name)}`);
        return [name, fromOrt(value, name)];
      }),
    );
  }

  async time(feeds: ReadonlyMap<string, Tensor> | undefined, count: number): Promise<readonly number[]> {
    if (feeds) this.#timed = this.#feeds(feeds);
    if (!this.#timed) throw new Error('bug: timed before any inputs were given');
    const names = this.outputs.map((o) => o.name);
    const out: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await this.#compute(this.#timed, names);
      out.push(performance.now() - start);
    }
    return out;
  }

  #feeds(feeds: ReadonlyMap<string, Tensor>): OrtFeeds {
    // No prototype: a model may call its input __proto__.
    const given = Object.create(null) as OrtFeeds;
    for (const port of this.inputs) {
      const feed = feeds.get(port.name);
      if (!feed) throw new CnnxError('runtime/input', `no tensor is given for the input ${printable(port.name)}`);
      checkFeed(port, feed);
      given[port.name] = toOrt(this.#ort, feed, port.name);
    }
    return given;
  }

  async #compute(feeds: OrtFeeds, names: readonly string[]): Promise<Ort.InferenceSession.OnnxValueMapType> {
    try {
      return await this.#session.run(feeds, names);
    } catch (error) {
      const misfit = /Unexpected input data type|Invalid rank for input|Got invalid dimensions/.test(String(error));
      throw new CnnxError(
        misfit ? 'runtime/input' : 'runtime/run',
        `onnxruntime cannot run the model: ${reason(error)}`,
        { cause: error },
      );
    }
  }

  async release(): Promise<readonly KernelRun[]> {
    await this.#session.release();
    return [];
  }
}

function checkFeed(port: Port, { dtype, shape }: Tensor): void {
  // No sizes: a scalar, or a rank that the model does not say.
  const open = port.shape.length === 0;
  const fits =
    open || (port.shape.length === shape.length && port.shape.every((d, i) => typeof d !== 'number' || d === shape[i]));
  if ((port.dtype !== undefined && port.dtype !== dtype) || !fits)
    throw new CnnxError(
      'runtime/input',
      `the model takes ${portText(port)}, and a tensor ${dtype}[${shape.join(',')}] is given`,
      { at: { value: port.name } },
    );
}

function portOf(meta: Ort.InferenceSession.ValueMetadata): Port {
  if (!meta.isTensor) return { name: meta.name, dtype: undefined, shape: [] };
  const dtype = DTYPES.find((d) => d === meta.type);
  return { name: meta.name, dtype, shape: meta.shape.map((d) => (typeof d === 'number' && d < 0 ? '?' : d)) };
}

/** onnxruntime's words without its own file names and line numbers, and safe to print. */
export function reason(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error))
    .replace(/^Error:? /, '')
    // File and line of onnxruntime's own source, the function, and the condition that did not hold.
    .replace(/\S+\.(?:cc|h|cu):\d+ .*? was false\. /g, '')
    .replace(/\S+\.(?:cc|h|cu):\d+ \S+?\(.*?\) /g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return printable(text === '' ? 'no reason given' : text, 400);
}
