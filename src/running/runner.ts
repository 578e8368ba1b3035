import type { Model } from '../graph/ir.js';
import type { Session, SessionOptions } from './session.js';

/** Bounds for what runs models. A model that passes one is an error `runtime/child`, and the runner goes on with the next. */
export interface RunLimits {
  /** For loading a model, or one run; in milliseconds. Some seconds, and more for large models, if absent. */
  readonly timeout?: number | undefined;
  /** Memory of what runs the models, in bytes. */
  readonly memory?: number | undefined;
  /** Computes float32 products in float32 on GPUs that round them otherwise (TF32). */
  readonly fullPrecision?: boolean | undefined;
}

/** For people who watch, and can stop it themselves: a large network on a slow device. */
export const PATIENT: RunLimits = { timeout: 600_000 };

/** How a runner loads a model. */
export interface LoadOptions extends SessionOptions {
  /** Records which kernels ran where: `release` gives them. */
  readonly kernels?: boolean | undefined;
}

/** What runs models: implemented by each host (onnxruntime-node in a process, onnxruntime-web in a worker), and handed to tasks as a value. */
export interface Runner {
  /**
   * Loads a model, which must not be edited while the runner is open. Throws `runtime/session`, `runtime/provider` and `runtime/child`.
   */
  load(model: Model, options?: LoadOptions): Promise<Session>;
  /** Frees what is kept to load this model again. */
  forget(model: Model): void;
  /** The largest memory so far of what runs the models, in bytes; starts it if need be. NaN where the host cannot tell. */
  peakMemory(): Promise<number>;
  close(): void;
}

/** Starts a runner: a task that measures memory needs a fresh one for each model. */
export type StartRunner = (limits?: RunLimits) => Runner;
