import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { nearest, printable } from '../../base/text.js';
import type { Tensor } from '../../tensor/tensor.js';
import { describeValue, type Dict, Instance, type PickleValue } from './values.js';

export interface Assembled {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Under what training scripts keep the network's weights, in the order of preference. Optimizer states have tensors
 * too, under other names.
 */
const WRAPPER_KEYS = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'net',
  'network',
  'module',
  'weights',
  'params',
  'ema',
  'model_ema',
];

/**
 * The weights in what a checkpoint unpickles to: a state dict, a whole network, or either under one of the usual keys.
 * Throws
 * `torch/no-state-dict`, with the keys that are there.
 */
export function assemble(root: PickleValue): Assembled {
  const metadata = new Map<string, string>();
  const tensors = weightsIn(root, metadata, 0);
  if (tensors) return { tensors, metadata };
  throw new CnnxError('torch/no-state-dict', `the file has no state dict: ${describe(root)}`, { hint: hintFor(root) });
}

function weightsIn(value: PickleValue, metadata: Map<string, string>, depth: number): Map<string, Tensor> | undefined {
  if (value instanceof Instance) {
    if (isModule(value)) return moduleTensors(value);
    return value.items.size > 0 ? weightsIn(value.items, metadata, depth) : undefined;
  }
  if (!(value instanceof Map) || depth > 2) return undefined;
  for (const key of WRAPPER_KEYS) {
    const inner = value.get(key);
    const found = inner === undefined ? undefined : weightsIn(inner, metadata, depth + 1);
    if (!found) continue;
    for (const [name, scalar] of plainValues(value)) metadata.set(name, scalar);
    return found;
  }
  // Only then: a training checkpoint may have tensors of its own beside the model (the state of a random number
  // generator).
  const direct = tensorsOf(value);
  return direct.size > 0 ? direct : undefined;
}

function tensorsOf(dict: Dict): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const [name, value] of dict) if (typeof name === 'string' && isTensor(value)) out.set(name, value);
  return out;
}

function* plainValues(dict: Dict): Generator<readonly [string, string]> {
  for (const [name, value] of dict) {
    const plain =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
    if (typeof name === 'string' && plain) yield [name, String(value)];
  }
}

const isModule = (object: Instance): boolean =>
  object.get('_modules') instanceof Map && object.get('_parameters') instanceof Map;

/**
 * The state dict of a pickled network, in the order in which `Module.state_dict()` has it: parameters, buffers, then
 * the modules inside.
 */
function moduleTensors(root: Instance): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  let visited = 0;
  const walk = (module: Instance, prefix: string, depth: number): void => {
    visited += 1;
    if (depth > LIMITS.moduleDepth || visited > LIMITS.modules) {
      throw new CnnxError(
        'pickle/limit',
        `modules are nested more than ${LIMITS.moduleDepth} deep, or there are more than ${LIMITS.modules}`,
      );
    }
    const transient = module.get('_non_persistent_buffers_set');
    const skip = new Set(Array.isArray(transient) ? transient : []);
    for (const [name, value] of entries(module, '_parameters')) if (isTensor(value)) out.set(prefix + name, value);
    for (const [name, value] of entries(module, '_buffers'))
      if (isTensor(value) && !skip.has(name)) out.set(prefix + name, value);
    for (const [name, value] of entries(module, '_modules'))
      if (value instanceof Instance) walk(value, `${prefix}${name}.`, depth + 1);
  };
  walk(root, '', 0);
  return out;
}

function* entries(module: Instance, field: string): Generator<readonly [string, PickleValue]> {
  const dict = module.get(field);
  if (!(dict instanceof Map)) return;
  for (const [name, value] of dict) if (typeof name === 'string') yield [name, value];
}

function isTensor(value: PickleValue): value is Tensor {
  return typeof value === 'object' && value !== null && 'dtype' in value;
}

function describe(root: PickleValue): string {
  if (!(root instanceof Map) || root.size === 0) return `it holds ${describeValue(root)}`;
  const keys = [...root.keys()].map((key) => describeValue(key));
  return `it holds a dictionary of ${keys.slice(0, 12).join(', ')}${keys.length > 12 ? ', …' : ''}`;
}

function hintFor(root: PickleValue): string {
  const keys = root instanceof Map ? [...root.keys()].filter((k) => typeof k === 'string') : [];
  const like = keys.find((k) => nearest(k, WRAPPER_KEYS, 1).length > 0);
  return like === undefined
    ? 'save the state dict: torch.save(model.state_dict(), path)'
    : `save what is under '${printable(like, 40)}' by itself`;
}
