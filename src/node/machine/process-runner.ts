import type { Model } from '../../graph/ir.js';
import type { Drawing } from '../../running/draw.js';
import type { KernelRun } from '../../running/kernels.js';
import type { LoadOptions, Runner, RunLimits } from '../../running/runner.js';
import type { Feeds, Port, Session } from '../../running/session.js';
import { weightBytes } from '../../running/weight-bytes.js';
import { Profile } from '../onnxruntime/profile.js';
import { ModelHandover } from './model-handover.js';
import { ModelProcess } from './model-process.js';

/** Runs models in onnxruntime-node, in a process of its own with limits of time and memory. */
export class ProcessRunner implements Runner {
  readonly #process: ModelProcess;
  readonly #handover = new ModelHandover();

  constructor(limits: RunLimits = {}) {
    this.#process = new ModelProcess(limits);
  }

  async load(model: Model, { kernels, ...options }: LoadOptions = {}): Promise<Session> {
    const place = await this.#handover.put(model);
    if (!kernels) return this.#process.load(place, options, weightBytes(model));
    const profile = new Profile();
    try {
      const profiled = { ...options, profilePrefix: profile.prefix };
      return new ProfiledSession(await this.#process.load(place, profiled, weightBytes(model)), profile);
    } catch (error) {
      profile.close();
      throw error;
    }
  }

  forget(model: Model): void {
    this.#handover.drop(model);
  }

  peakMemory(): Promise<number> {
    return this.#process.peakMemory();
  }

  close(): void {
    this.#process.close();
    this.#handover.close();
  }
}

/**
 * Starts what runs models in Node: onnxruntime-node in a process of its own, with limits of time and memory. Call
 * `close` when done.
 */
export const startRunner = (limits?: RunLimits): Runner => new ProcessRunner(limits);

/** Reads the profile that onnxruntime writes when the session is released. */
class ProfiledSession implements Session {
  readonly #session: Session;
  readonly #profile: Profile;

  constructor(session: Session, profile: Profile) {
    this.#session = session;
    this.#profile = profile;
  }

  get inputs(): readonly Port[] {
    return this.#session.inputs;
  }

  get outputs(): readonly Port[] {
    return this.#session.outputs;
  }

  draw(drawing: Drawing): Promise<Feeds> {
    return this.#session.draw(drawing);
  }

  run(feeds: Feeds, fetches?: readonly string[]): Promise<Feeds> {
    return this.#session.run(feeds, fetches);
  }

  time(feeds: Feeds | undefined, count: number): Promise<readonly number[]> {
    return this.#session.time(feeds, count);
  }

  async release(): Promise<readonly KernelRun[]> {
    try {
      await this.#session.release();
      return this.#profile.read();
    } finally {
      this.#profile.close();
    }
  }
}
