import { ByteRange, type ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { printable } from '../../base/text.js';
import type { StateDict } from '../state-dict.js';
import { ZipArchive, type ZipEntry } from '../zip.js';
import { assemble } from './assemble.js';
import { bigEndian } from './big-endian.js';
import { persistentLoad } from './persistent.js';
import { PickleInput } from './pickle-input.js';
import { readPickle } from './pickle.js';

/** `torch.save` since 1.6: a zip of `NAME/data.pkl` and one stored entry per storage, `NAME/data/KEY`. */
export function readTorchArchive(source: ByteSource, entry?: string): StateDict {
  const zip = ZipArchive.open(source);
  const { entry: pickled, folder } = findPickle(zip);
  const byteOrder = zip.get(`${folder}byteorder`);
  if (byteOrder && text(byteOrder).trim() !== 'little') throw bigEndian(text(byteOrder).trim());
  if (pickled.size > LIMITS.pickle) {
    throw new CnnxError('pickle/limit', `data.pkl has ${pickled.size} bytes; no more than ${LIMITS.pickle} are read`);
  }
  const load = persistentLoad((storage) => {
    const entry = zip.get(`${folder}data/${storage.key}`);
    if (!entry) throw new CnnxError('torch/storage', `the archive has no data for storage ${printable(storage.key)}`);
    storage.attach(entry);
  });
  const root = readPickle(new PickleInput(ByteRange.of(pickled.read())), load);
  return { format: 'torch-zip', ...assemble(root, entry) };
}

function findPickle(zip: ZipArchive): { entry: ZipEntry; folder: string } {
  const names = zip.names();
  const found = names.filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  const entry = zip.get(found[0] ?? '');
  if (!entry || found.length > 1) {
    throw new CnnxError(
      'torch/no-pickle',
      `a zip archive that torch.save wrote has one NAME/data.pkl; this one has ${found.length} among ${names.length} entries (${names
        .slice(0, 4)
        .map((name) => printable(name, 40))
        .join(', ')})`,
    );
  }
  const folder = entry.name.slice(0, -'data.pkl'.length);
  if (zip.get(`${folder}constants.pkl`)) {
    throw new CnnxError('torch/script', 'this is a TorchScript archive (torch.jit.save): a program, not a checkpoint', {
      hint: 'from Python: torch.save(torch.jit.load(path).state_dict(), new_path)',
    });
  }
  return { entry, folder };
}

const text = (entry: ZipEntry): string => String.fromCharCode(...entry.read(0, Math.min(entry.size, 16)));
