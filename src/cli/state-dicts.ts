import { chunkSize } from '../base/bytes.js';
import { checkWritable, writeFile } from '../node/files/write-file.js';
import { type StateDictForm } from '../weights/deploy.js';
import { deployedStateDict, openCheckpoint, openModel, writeSafetensors } from '../index.js';
import { io } from './io.js';

export interface WrittenStateDict {
  readonly path: string;
  readonly tensors: number;
  readonly bytes: number;
}

/** Writes a checkpoint, or a model's initializers, as safetensors; with a form: a fused model under the names of PyTorch's network. */
export async function writeStateDict(
  from: string,
  to: string,
  form: StateDictForm | undefined,
): Promise<WrittenStateDict> {
  const stateDict = form === undefined ? await openCheckpoint(from) : deployedStateDict(await openModel(from), form);
  await checkWritable(to);
  const chunks = writeSafetensors(stateDict);
  io.progress(`writing ${to}`);
  await writeFile(to, chunks);
  return { path: to, tensors: stateDict.tensors.size, bytes: chunks.reduce((n, c) => n + chunkSize(c), 0) };
}
