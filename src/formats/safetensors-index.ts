import { ByteRange, type ByteSource } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { entriesOf, isObject } from './json.js';
import { readSafetensors } from './safetensors.js';
import type { StateDict } from './state-dict.js';

/**
 * A sharded checkpoint: `NAME.safetensors.index.json`, whose `weight_map` says which file beside it has which tensor.
 * `open` is asked for plain file names only: anything with a folder in it is refused before. Tensors come in the order
 * of the map.
 */
export function readSafetensorsIndex(index: ByteSource, open: (name: string) => ByteSource): StateDict {
  const files = weightMap(index);
  const shards = new Map<string, StateDict>();
  const tensors = new Map<string, Tensor>();
  for (const [name, file] of files) {
    const shard = shards.get(file) ?? readSafetensors(open(file));
    shards.set(file, shard);
    const found = shard.tensors.get(name);
    if (!found) throw problem(`tensor ${printable(name)} is not in ${printable(file)}`);
    tensors.set(name, found);
  }
  for (const [file, shard] of shards) {
    const stray = [...shard.tensors.keys()].find((name) => files.get(name) !== file);
    if (stray !== undefined)
      throw problem(
        `${printable(file)} has tensor ${printable(stray)}, which the index places elsewhere or not at all`,
      );
  }
  return { format: 'safetensors', tensors, metadata: new Map([...shards.values()].flatMap((s) => [...s.metadata])) };
}

function weightMap(index: ByteSource): Map<string, string> {
  if (index.size > LIMITS.safetensorsHeader)
    throw problem(`it has ${index.size} bytes; at most ${LIMITS.safetensorsHeader} are read`);
  const text = new TextDecoder().decode(new ByteRange(index, 0, index.size).bytes());
  const top = entriesOf(text)?.map.get('weight_map');
  if (!isObject(top)) throw problem('it has no "weight_map"');
  const files = new Map<string, string>();
  for (const [name, file] of Object.entries(top)) {
    if (typeof file !== 'string' || !/^[^/\\\0:]+$/.test(file) || /^\.+$/.test(file)) {
      throw problem(
        `tensor ${printable(name)} is said to be in ${printable(String(file))}; the name of a file beside the index was expected`,
      );
    }
    files.set(name, file);
  }
  if (files.size === 0) throw problem('its "weight_map" is empty');
  return files;
}

const problem = (message: string): CnnxError =>
  new CnnxError('safetensors/index', `the index of shards cannot be used: ${message}`);
