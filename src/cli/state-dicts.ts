import { chunkSize } from '../base/bytes.js';
import { printable } from '../base/text.js';
import { withPrefix } from '../weights/prepare.js';
import { writeFile } from '../node/files/write-file.js';
import { type StateDictForm } from '../weights/deploy.js';
import { deployedStateDict, openCheckpoint, openModel, writeSafetensors } from '../index.js';
import { io } from './io.js';
import { checkOutput } from './output.js';

export interface WrittenStateDict {
  readonly path: string;
  readonly tensors: number;
  readonly bytes: number;
}

export interface StateDictOptions {
  readonly stateDict?: StateDictForm;
  readonly entry?: string;
  readonly prefix?: string;
}

/**
 * Writes a checkpoint, or a model's initializers, as safetensors; with a form: a fused model under the names of
 * PyTorch's network.
 */
export async function writeStateDict(
  from: string,
  to: string,
  { stateDict: form, entry, prefix }: StateDictOptions,
): Promise<WrittenStateDict> {
  const found =
    form === undefined ? await openCheckpoint(from, { entry }) : deployedStateDict(await openModel(from), form);
  const stateDict = prefix === undefined ? found : withPrefix(found, prefix).stateDict;
  if (found.entry !== undefined) io.note(`the weights are those under ${printable(found.entry, 60)}`);
  await checkOutput(to);
  const chunks = writeSafetensors(stateDict);
  io.progress(`writing ${to}`);
  await writeFile(to, chunks);
  return { path: to, tensors: stateDict.tensors.size, bytes: chunks.reduce((n, c) => n + chunkSize(c), 0) };
}
