import { dirname, join } from 'node:path';
import type { ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { type CheckpointOptions, noEntries, readCheckpoint } from '../../formats/checkpoint.js';
import { modelStateDict } from '../../formats/onnx/state-dict.js';
import { readSafetensorsIndex } from '../../formats/safetensors-index.js';
import { looksLikeOnnx, type StateDict } from '../../formats/state-dict.js';
import { FileSource, openSource } from './file-source.js';
import { openModel } from './model-file.js';

/** Enough of a file to tell an ONNX model by. */
const HEAD = 16;

/**
 * The state dict in a file: a PyTorch checkpoint, safetensors, the index of a sharded safetensors checkpoint
 * (`*.index.json`, with its shards beside it), or the initializers of an ONNX model; '-' is standard input. Tensors
 * stay in their files, which stay open. Throws `io/*` and the errors of the formats.
 */
export async function openCheckpoint(path: string, options: CheckpointOptions = {}): Promise<StateDict> {
  const source = await openSource(path);
  const file = path === '-' ? 'standard input' : path;
  try {
    const plain = (what: string): void => {
      if (options.entry !== undefined) throw noEntries(what);
    };
    if (path !== '-' && looksLikeOnnx(source.read(0, Math.min(HEAD, source.size)))) {
      plain('an ONNX model');
      return modelStateDict(await openModel(path));
    }
    if (path.endsWith('.index.json')) plain('an index of safetensors');
    if (path.endsWith('.index.json')) return readSafetensorsIndex(source, (name) => shard(path, name));
    return readCheckpoint(source, path, options);
  } catch (error) {
    if (source instanceof FileSource) source.close();
    throw error instanceof CnnxError ? error.within({ file }) : error;
  }
}

const shard = (index: string, name: string): ByteSource => new FileSource(join(dirname(index), name));
