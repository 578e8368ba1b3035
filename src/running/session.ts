import type { Drawing } from './draw.js';
import type { Feeds, Port } from './port.js';
import type { KernelRun } from './kernels.js';

export { type Feeds, type Port, portText } from './port.js';

/** How much onnxruntime rewrites a model before it runs. 'disabled' computes what the file says, node by node. */
export type Optimization = 'disabled' | 'basic' | 'extended' | 'all';

/** What computes: the CPU, CUDA or WebGPU. */
export type ProviderName = 'cpu' | 'cuda' | 'webgpu';

/** How a loaded model is to run. */
export interface SessionOptions {
  readonly optimization?: Optimization | undefined;
  /**
   * Threads within one operator; 1 makes results the same on every run and machine. The host's own choice if absent.
   */
  readonly threads?: number | undefined;
  /** The CPU if absent. What it cannot run goes to the CPU; that the provider itself does not work is an error. */
  readonly provider?: ProviderName | undefined;
  /** Which GPU, for CUDA. */
  readonly deviceId?: number | undefined;
}

/** A loaded model. */
export interface Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Random inputs, drawn where the model runs: within its limits, and without keeping others waiting. Throws
   * `runtime/child`.
   */
  draw(drawing: Drawing): Promise<Feeds>;
  /**
   * Computes all outputs, or those named. Throws `runtime/input`, `runtime/run`, `runtime/tensor-type` and
   * `runtime/child`.
   */
  run(feeds: Feeds, fetches?: readonly string[]): Promise<Feeds>;
  /** Runs it `count` times, and gives the milliseconds that each took. Without `feeds`: on those of the last call. */
  time(feeds: Feeds | undefined, count: number): Promise<readonly number[]>;
  /** Frees its memory. Gives the kernels that ran, where they were asked for when it was loaded; otherwise none. */
  release(): Promise<readonly KernelRun[]>;
}

/** Runs a session on several inputs in turn. */
export async function runAll(session: Session, inputs: readonly Feeds[]): Promise<readonly Feeds[]> {
  const out: Feeds[] = [];
  for (const feeds of inputs) out.push(await session.run(feeds));
  return out;
}

/** Releases a session, which has nothing left to release where its process is gone. */
export const releaseQuietly = (session: Session | undefined): Promise<readonly KernelRun[]> =>
  session?.release().catch(() => []) ?? Promise.resolve([]);
