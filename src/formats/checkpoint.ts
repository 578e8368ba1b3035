import { ByteRange, type ByteSource } from '../base/bytes.js';
import { never } from '../base/errors.js';
import { readSafetensors } from './safetensors.js';
import { notACheckpoint, sniffCheckpoint, type StateDict } from './state-dict.js';
import { readTorchArchive, readTorchLegacy } from './torch/index.js';

/** Enough to tell every kind of file apart; a tar archive shows itself at byte 257. */
const HEAD = 512;

/**
 * The state dict of a checkpoint, whichever its format: PyTorch's (zip or older) or safetensors. `name` helps only
 * where the content does not tell. No tensor is read before it is asked for. Throws `checkpoint/unknown` for anything
 * else, and the errors of the format.
 */
export function readCheckpoint(source: ByteSource, name = ''): StateDict {
  const head = new ByteRange(source, 0, Math.min(HEAD, source.size)).bytes();
  const format = sniffCheckpoint(head, name);
  switch (format) {
    case 'safetensors':
      return readSafetensors(source);
    case 'torch-zip':
      return readTorchArchive(source);
    case 'torch-legacy':
      return readTorchLegacy(source);
    case undefined:
      throw notACheckpoint(head);
    default:
      return never(format);
  }
}
