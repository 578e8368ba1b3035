import { constants, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { checkLocation, type ExternalData } from '../../formats/onnx/index.js';
import { FileSource } from './file-source.js';

/**
 * The side files of one model. A model comes from a stranger: what it names must be a plain file inside the model's own
 * folder, after every symbolic link is followed, must not be the model itself, and must have no second name (a hard
 * link to a file elsewhere cannot be told from one that is meant). A model that is itself a link has two folders, that
 * of the link and that of the file: in a cache of links (Hugging Face's `snapshots/...` and `blobs/`) the data is named
 * in the one and lies in the other. onnxruntime has the same rule. Each file is opened once.
 */
export class ExternalFiles implements ExternalData {
  readonly #files = new Map<string, FileSource>();

  constructor(readonly model: FileSource) {}

  get sources(): readonly FileSource[] {
    return [...this.#files.values()];
  }

  /** By the location that the model gives. */
  get opened(): ReadonlyMap<string, FileSource> {
    return this.#files;
  }

  /** Throws `onnx/external-data`. `location` is what the model says: a relative path. */
  resolve(location: string): FileSource {
    const known = this.#files.get(location);
    if (known) return known;
    const source = this.#find(location);
    this.#files.set(location, source);
    return source;
  }

  #find(location: string): FileSource {
    const refuse = (why: string, hint?: string): CnnxError =>
      new CnnxError('onnx/external-data', `the external data '${printable(location)}' is not used: ${why}`, {
        at: { file: this.model.path },
        hint,
      });
    checkLocation(location);
    const folders = [realpathSync(dirname(this.model.path)), dirname(realpathSync(this.model.path))];
    const real = folders.map((folder) => realPath(join(folder, location))).find((path) => path !== undefined);
    if (real === undefined) throw refuse('the file does not exist', `put it into ${folders[0]}, beside the model`);
    if (!folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
      throw refuse("a symbolic link that leaves the model's folder", 'copy the file beside the model');

    let source: FileSource;
    try {
      source = new FileSource(real, constants.O_NOFOLLOW ?? 0);
    } catch (error) {
      if (error instanceof CnnxError) throw refuse(error.message, error.hint);
      throw error;
    }
    if (source.identity === this.model.identity) {
      source.close();
      throw refuse('the model itself');
    }
    if (source.linkCount > 1) {
      source.close();
      throw refuse('the file has several hard links, one of which may lie elsewhere', 'replace it by a copy of itself');
    }
    return source;
  }
}

/** Where a path leads after every link; undefined where there is nothing. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
