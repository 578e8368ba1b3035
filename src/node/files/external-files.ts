import { constants, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { checkLocation, type ExternalData } from '../../formats/onnx/index.js';
import { FileSource } from './file-source.js';

/**
 * The side files of one model. A model comes from a stranger: what it names must be a plain file inside the model's own folder, after every
 * symbolic link is followed, must not be the model itself, and must have no second name (a hard link to a file elsewhere cannot be told
 * from one that is meant). Each file is opened once.
 */
export class ExternalFiles implements ExternalData {
  readonly #files = new Map<string, FileSource>();

  constructor(readonly model: FileSource) {}

  get sources(): readonly FileSource[] {
    return [...this.#files.values()];
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
    const folder = realpathSync(dirname(this.model.path));
    let real: string;
    try {
      real = realpathSync(join(folder, location));
    } catch {
      throw refuse('the file does not exist', `put it into ${folder}, beside the model`);
    }
    const inside = folder.endsWith(sep) ? folder : folder + sep;
    if (!real.startsWith(inside))
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
