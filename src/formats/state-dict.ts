import { CnnxError } from '../base/errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { sniff } from './onnx/sniff.js';

export type CheckpointFormat = 'safetensors' | 'torch-legacy' | 'torch-zip' | 'pickle' | 'onnx';

/** Tensors by name, in the file's order: what every checkpoint is once it is read. Names are exactly the file's. */
export interface StateDict {
  readonly format: CheckpointFormat;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** safetensors' metadata; of a training checkpoint, the plain values beside the weights (epoch, arch). */
  readonly metadata: ReadonlyMap<string, string>;
  /** The entry of a training checkpoint that the weights come from. */
  readonly entry?: string | undefined;
}

/** What `DataParallel` and `torch.compile` put before every name. */
const WRAPPERS = ['module.', '_orig_mod.'];

/** How many models `torch.optim.swa_utils.AveragedModel` has averaged: it stands beside `module.` and is no weight. */
const AVERAGED = 'n_averaged';

/** What all names begin with because the network was wrapped: `module.`, `_orig_mod.`, both, or nothing. */
export function wrapperPrefix(names: Iterable<string>): string {
  const all = [...names].filter((name) => name !== AVERAGED);
  let prefix = '';
  for (let more: string | undefined = ''; more !== undefined && all.length > 0; prefix += more ?? '') {
    const next = prefix;
    more = WRAPPERS.find((w) => all.every((name) => name.startsWith(next + w)));
  }
  return prefix;
}

/** The same tensors under the names they have in the network itself. */
export function unwrapped(stateDict: StateDict): StateDict {
  const { length } = wrapperPrefix(stateDict.tensors.keys());
  if (length === 0) return stateDict;
  const tensors = [...stateDict.tensors].filter(([name]) => name !== AVERAGED);
  return { ...stateDict, tensors: new Map(tensors.map(([name, t]) => [name.slice(length), t])) };
}

/**
 * Finds damaged data without keeping any: the first byte of a stored tensor has its checksum compared, where the format
 * has one; tensors that have to be gathered are. Throws what reading throws.
 */
export function checkData({ tensors }: StateDict): void {
  for (const t of tensors.values()) {
    if (t.byteLength > 0) void (t.range ? t.range.slice(0, 1).bytes() : t.bytes());
  }
}

/**
 * What a file is by its first bytes (some hundred are enough), or nothing if it is no checkpoint. Cheap, and never
 * throws.
 */
export function sniffCheckpoint(head: Uint8Array, name = ''): 'safetensors' | 'torch-legacy' | 'torch-zip' | undefined {
  if (beginsWith(head, 'PK\x03\x04') || beginsWith(head, 'PK\x05\x06')) return 'torch-zip';
  if (head[8] === 0x7b && head.subarray(4, 8).every((b) => b === 0)) return 'safetensors';
  // PROTO of 2 to 5, as every torch.save of the older form begins.
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) return 'torch-legacy';
  if (describeContent(head) !== undefined && !TEXT_PICKLE.test(textOf(head))) return undefined;
  if (/\.safetensors$/i.test(name)) return 'safetensors';
  return /\.(pt|pth|pkl|bin|ckpt)$/i.test(name) ? 'torch-legacy' : undefined;
}

/** Protocol 0 is printable: it begins with a mark, a class or a container, and has short lines. */
const TEXT_PICKLE = /^(\((dp|lp|tp|[ldtSiI])|c[\w.]+\n[\w.]+\n)/;

/** ir_version (field 1) of a plausible value, then the next field of a ModelProto. */
export const looksLikeOnnx = (head: Uint8Array): boolean =>
  head[0] === 0x08 &&
  (head[1] ?? 0) > 0 &&
  (head[1] ?? 0) < 32 &&
  [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2] ?? 0);

/** What a file looks like when it is no checkpoint, in words. */
export function describeContent(head: Uint8Array): string | undefined {
  if (looksLikeOnnx(head)) return 'an ONNX model';
  if (beginsWith(head.subarray(257), 'ustar')) return 'a tar archive, as torch.save wrote them before version 0.2';
  return sniff(head)?.what;
}

/** The error for a file that is no checkpoint: says what it looks like. */
export function notACheckpoint(head: Uint8Array): CnnxError {
  const begins = Array.from(head.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  return new CnnxError(
    'checkpoint/unknown',
    `a PyTorch checkpoint or a safetensors file was expected; this looks like ${describeContent(head) ?? `neither (it begins with ${begins})`}`,
    { hint: 'pass the .pth, .pt or .safetensors file itself' },
  );
}

const beginsWith = (head: Uint8Array, magic: string): boolean =>
  Array.from(magic, (c) => c.charCodeAt(0)).every((code, i) => head[i] === code);

const textOf = (head: Uint8Array): string => String.fromCharCode(...head.subarray(0, 256));
