import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { PersistentLoad } from './pickle.js';
import { Storage } from './storage.js';
import { describeValue, GlobalName, type PickleValue } from './values.js';

/**
 * Persistent ids as `torch.save` writes them: ('storage', class, key, location, elements[, view]) for a storage, which
 * is made once per key, and ('module', class, file, source text) for the class of a pickled network, of which the name
 * is kept.
 */
export function persistentLoad(made: (storage: Storage) => void): PersistentLoad {
  const storages = new Map<string, Storage>();
  return (id) => {
    if (!Array.isArray(id)) throw invalid('not a tuple');
    const [kind, type, key, , length, view] = id;
    if (kind === 'module' && type instanceof GlobalName) return type;
    if (kind !== 'storage') throw invalid(`of kind ${describeValue(kind)}`);
    if (!(type instanceof GlobalName) || type.storage === undefined) {
      throw new CnnxError(
        'torch/unsupported',
        `a storage is of class ${describeValue(type)}, whose elements are not plain numbers`,
      );
    }
    if (typeof key !== 'string' || !isLength(length)) throw invalid('without a key or a length');
    if (view !== undefined && view !== null) {
      throw new CnnxError('torch/unsupported', 'a storage is a view of another one, as torch before 0.4 wrote it', {
        hint: 'load and save the file once with a newer PyTorch',
      });
    }
    const known = storages.get(key);
    if (known) {
      if (known.type === type.storage && known.length === length) return known;
      throw new CnnxError('torch/storage', `storage ${printable(key)} is described in two ways`);
    }
    const storage = new Storage(key, type.storage, length);
    storages.set(key, storage);
    made(storage);
    return storage;
  };
}

const isLength = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const invalid = (what: string): CnnxError => new CnnxError('pickle/invalid', `a persistent id is ${what}`);
