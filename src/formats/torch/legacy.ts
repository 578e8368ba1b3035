import { ByteRange, type ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { StateDict } from '../state-dict.js';
import { assemble } from './assemble.js';
import { bigEndian } from './big-endian.js';
import { persistentLoad } from './persistent.js';
import { PickleInput } from './pickle-input.js';
import { readPickle } from './pickle.js';
import type { Storage } from './storage.js';
import { describeValue, type PickleValue } from './values.js';

/** torch/serialization.py, MAGIC_NUMBER and PROTOCOL_VERSION. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * `torch.save` before 1.6: five pickles (magic number, protocol, system, the object, the keys of its storages), then
 * for each key the number of its elements in eight bytes and the elements. There is no checksum, and the end of the
 * file has to be the end of the last storage.
 */
export function readTorchLegacy(source: ByteSource, entry?: string): StateDict {
  const file = new ByteRange(source, 0, source.size);
  const input = new PickleInput(file);
  const plain = (): PickleValue => readPickle(input, refuseIds);
  const magic = plain();
  // A plain pickle of NumPy arrays, as tools that do without PyTorch write.
  if (magic instanceof Map && input.position === file.size) return { format: 'pickle', ...assemble(magic, entry) };
  if (magic !== MAGIC) throw notTorch(magic);
  const protocol = plain();
  if (protocol !== PROTOCOL) {
    throw new CnnxError('torch/invalid', `protocol ${describeValue(protocol)} was found; ${PROTOCOL} was expected`);
  }
  const system = plain();
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian('big');

  const storages = new Map<string, Storage>();
  const root = readPickle(
    input,
    persistentLoad((storage) => storages.set(storage.key, storage)),
  );
  const keys = keysOf(plain());
  const end = attachAll(file, input.position, keys, storages);
  const missing = [...storages.values()].find((storage) => !storage.attached);
  if (missing) throw new CnnxError('torch/storage', `the file has no data for storage ${printable(missing.key)}`);
  if (end !== file.size) {
    throw new CnnxError('torch/invalid', `${file.size - end} bytes follow the last storage`, { at: { byte: end } });
  }
  return { format: 'torch-legacy', ...assemble(root, entry) };
}

function keysOf(keys: PickleValue): string[] {
  if (!Array.isArray(keys)) throw new CnnxError('torch/invalid', 'the list of storages is missing');
  return keys.map((key) => {
    if (typeof key !== 'string') throw new CnnxError('torch/invalid', 'the key of a storage is not a string');
    return key;
  });
}

/** Gives every storage its stretch of the file; the offset after the last one. */
function attachAll(
  file: ByteRange,
  start: number,
  keys: readonly string[],
  storages: ReadonlyMap<string, Storage>,
): number {
  let at = start;
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage || storage.attached) {
      throw new CnnxError(
        'torch/storage',
        `data follows for storage ${printable(key)}, which no tensor uses or which came before`,
        { at: { byte: at } },
      );
    }
    const left = file.size - at;
    if (left < 8 + storage.size) {
      throw new CnnxError(
        'torch/truncated',
        `storage ${printable(key)} takes ${8 + storage.size} bytes; ${left} are left: the file was cut off`,
        { at: { byte: at }, hint: 'copy or download the file again' },
      );
    }
    const header = file.slice(at, 8).bytes();
    const length = new DataView(header.buffer, header.byteOffset, 8).getBigInt64(0, true);
    if (length !== BigInt(storage.length)) {
      throw new CnnxError(
        'torch/storage',
        `storage ${printable(key)} has ${length} elements; ${storage.length} were expected`,
        { at: { byte: at } },
      );
    }
    const data = file.slice(at + 8, storage.size);
    storage.attach({ size: data.size, read: (from, size) => data.slice(from, size).bytes() });
    at += 8 + storage.size;
  }
  return at;
}

function refuseIds(): never {
  throw new CnnxError('torch/invalid', 'a persistent id outside of the saved object');
}

function notTorch(found: PickleValue): CnnxError {
  const what =
    typeof found === 'bigint' || typeof found === 'number' ? `the number 0x${found.toString(16)}` : 'a pickled object';
  return new CnnxError(
    'torch/invalid',
    `the file is a pickle but not of torch.save: it begins with ${what} where its magic number was expected`,
    {
      hint: 'save it with torch.save, or copy the file again if it is damaged',
    },
  );
}
