import { ByteRange, type ByteSource } from '../base/bytes.js';
import { CnnxError, never } from '../base/errors.js';
import { readSafetensors } from './safetensors.js';
import { notACheckpoint, sniffCheckpoint, type StateDict } from './state-dict.js';
import { readTorchArchive, readTorchLegacy } from './torch/index.js';

/** Enough to tell every kind of file apart; a tar archive shows itself at byte 257. */
const HEAD = 512;

/** How the weights are found in a file that has more than them. */
export interface CheckpointOptions {
  /** Under which key of a training checkpoint they are, where that is not plain. */
  readonly entry?: string | undefined;
}

/** What has no entries to choose from. */
export const noEntries = (what: string): CnnxError =>
  new CnnxError('torch/no-state-dict', `an entry was asked for, and ${what} has none`, { hint: 'leave --entry out' });

/**
 * The state dict of a checkpoint, whichever its format: PyTorch's (zip or older) or safetensors. `name` helps only
 * where the content does not tell. No tensor is read before it is asked for. Throws `checkpoint/unknown` for anything
 * else, and the errors of the format.
 */
export function readCheckpoint(source: ByteSource, name = '', { entry }: CheckpointOptions = {}): StateDict {
  const head = new ByteRange(source, 0, Math.min(HEAD, source.size)).bytes();
  const format = sniffCheckpoint(head, name);
  switch (format) {
    case 'safetensors':
      if (entry !== undefined) throw noEntries('a safetensors file');
      return readSafetensors(source);
    case 'torch-zip':
      return readTorchArchive(source, entry);
    case 'torch-legacy':
      return readTorchLegacy(source, entry);
    case undefined:
      throw notACheckpoint(head);
    default:
      return never(format);
  }
}
