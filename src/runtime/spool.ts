import { chunkSize, concat } from '../base/bytes.js';
import { internalized, writeOnnx } from '../formats/onnx/index.js';
import type { Model } from '../graph/ir.js';
import { fileOf } from './model-file.js';
import { discard, tempFolder } from './temp-files.js';
import { writeFile } from './write-file.js';

/** Models up to this size go to another process as bytes; larger ones through a file, where nobody holds them twice. */
const MAX_MESSAGE = 8 * 1024 * 1024;

/** Brings models to where another process can load them: the file that an unedited model came from, bytes, or a temporary file. */
export class Spool {
  #folder: string | undefined;
  #count = 0;
  readonly #known = new Map<Model, string | Uint8Array>();

  /** The model must not be edited before `close`, or it is taken for what it was. */
  async put(model: Model): Promise<string | Uint8Array> {
    const known = this.#known.get(model) ?? fileOf(model) ?? (await this.#write(model));
    this.#known.set(model, known);
    return known;
  }

  async #write(model: Model): Promise<string | Uint8Array> {
    // Where this goes there are no side files.
    const chunks = writeOnnx(model, { tensor: internalized });
    if (chunks.reduce((n, c) => n + chunkSize(c), 0) <= MAX_MESSAGE) return concat(chunks);
    this.#folder ??= tempFolder();
    this.#count += 1;
    const path = `${this.#folder}/${this.#count}.onnx`;
    await writeFile(path, chunks);
    return path;
  }

  /** Removes the temporary file of a model that is not needed any more. */
  drop(model: Model): void {
    const known = this.#known.get(model);
    this.#known.delete(model);
    if (typeof known === 'string' && this.#folder !== undefined && known.startsWith(this.#folder)) discard(known);
  }

  close(): void {
    if (this.#folder !== undefined) discard(this.#folder);
    this.#known.clear();
  }
}
