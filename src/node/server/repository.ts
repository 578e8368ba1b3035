import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { ServedModel, type ServedOptions } from '../../tasks/serve/served-model.js';
import { openModel } from '../files/model-file.js';

export interface RepositoryEntry {
  /** What clients call it. */
  readonly name: string;
  /** Fixed when the server starts: no request names a file. */
  readonly path: string;
}

/** The models that a server has: each loaded or not. Loading replaces the runners: the old ones finish what they have. */
export class ModelRepository {
  readonly #entries: ReadonlyMap<string, RepositoryEntry>;
  readonly #options: (entry: RepositoryEntry) => ServedOptions;
  readonly #served = new Map<string, ServedModel>();
  readonly #loading = new Map<string, Promise<void>>();

  constructor(entries: readonly RepositoryEntry[], options: (entry: RepositoryEntry) => ServedOptions) {
    this.#entries = new Map(entries.map((e) => [e.name, e]));
    this.#options = options;
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** A model that is loaded; undefined for one that is not. Throws `serve/request` for a name that the server does not have. */
  find(name: string): ServedModel | undefined {
    if (!this.#entries.has(name)) throw new CnnxError('serve/request', `there is no model ${printable(name)}`);
    return this.#served.get(name);
  }

  get served(): ReadonlyMap<string, ServedModel> {
    return this.#served;
  }

  /** Reads the file and starts runners; those before finish, and end. One load of a model at a time. */
  async load(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (!entry) throw new CnnxError('serve/request', `there is no model ${printable(name)}`);
    const before = this.#loading.get(name) ?? Promise.resolve();
    const now = before.catch(() => undefined).then(() => this.#replace(entry));
    this.#loading.set(name, now);
    try {
      await now;
    } finally {
      if (this.#loading.get(name) === now) this.#loading.delete(name);
    }
  }

  async #replace(entry: RepositoryEntry): Promise<void> {
    const next = await ServedModel.start(await openModel(entry.path), this.#options(entry));
    const old = this.#served.get(entry.name);
    this.#served.set(entry.name, next);
    await old?.close();
  }

  async unload(name: string): Promise<void> {
    const old = this.find(name);
    this.#served.delete(name);
    await old?.close();
  }

  /** Waits for what runs, then ends everything. */
  async close(): Promise<void> {
    const all = [...this.#served.values()];
    this.#served.clear();
    await Promise.all(all.map((m) => m.close()));
  }
}
