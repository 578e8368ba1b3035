import { mkdir as makeFolder } from 'node:fs/promises';
import { chunkSize, concat } from '../../base/bytes.js';
import { internalized, placeWeights, writeOnnx } from '../../formats/onnx/index.js';
import type { Model } from '../../graph/ir.js';
import { weightBytes } from '../../running/weight-bytes.js';
import { fileOf } from '../files/model-file.js';
import { discard, tempFolder } from '../files/temp-files.js';
import { writeFile } from '../files/write-file.js';

/** Models up to this size go to another process as bytes; larger ones through a file, where nobody holds them twice. */
const MAX_MESSAGE = 8 * 1024 * 1024;

/** Well below the 2 GiB of one protobuf file, to leave room for what is not weights. */
const LARGE = 1.9 * 2 ** 30;
const SIDE_FILE = 'weights';

/** Brings models to where another process can load them: the file that an unedited model came from, bytes, or a temporary file. */
export class ModelHandover {
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
    const large = weightBytes(model) > LARGE;
    // Where this goes there are no side files but its own.
    const { tensor, side } = large ? placeWeights(model, { file: SIDE_FILE }) : { tensor: internalized, side: [] };
    const main = writeOnnx(model, { tensor });
    if (!large && main.reduce((n, c) => n + chunkSize(c), 0) <= MAX_MESSAGE) return concat(main);
    this.#folder ??= tempFolder();
    this.#count += 1;
    const folder = `${this.#folder}/${this.#count}`;
    await makeFolder(folder);
    if (side.length > 0) await writeFile(`${folder}/${SIDE_FILE}`, side);
    await writeFile(`${folder}/model.onnx`, main);
    return `${folder}/model.onnx`;
  }

  /** Removes the temporary file of a model that is not needed any more. */
  drop(model: Model): void {
    const known = this.#known.get(model);
    this.#known.delete(model);
    if (typeof known === 'string' && this.#folder !== undefined && known.startsWith(this.#folder))
      discard(known.replace(/\/model\.onnx$/, ''));
  }

  close(): void {
    if (this.#folder !== undefined) discard(this.#folder);
    this.#known.clear();
  }
}
