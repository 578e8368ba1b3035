import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { nearest, printable } from '../../base/text.js';
import type { Tensor } from '../../tensor/tensor.js';
import { numpyTensor } from './numpy.js';
import { describeValue, type Dict, Instance, type PickleValue } from './values.js';

export interface Assembled {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** The entry that the weights come from, where the file has them under one. */
  readonly entry?: string | undefined;
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
  'ema_model',
  'ema_state_dict',
  'model_ema',
  'model_ema_state_dict',
  'params_ema',
  'state_dict_ema',
];

/**
 * The weights in what a checkpoint unpickles to: a state dict, a whole network, or either under one of the usual keys,
 * or under `entry`. Throws `torch/no-state-dict`, with the keys that are there, and `torch/several-sets` where more
 * than one would do.
 */
export function assemble(root: PickleValue, entry?: string): Assembled {
  const found = entry === undefined ? weightsIn(root, 0) : under(root, entry);
  if (found) return found;
  const message =
    entry === undefined
      ? `the file has no state dict: ${describe(root)}`
      : `the file has no state dict under ${printable(entry, 40)}: ${describe(root)}`;
  throw new CnnxError('torch/no-state-dict', message, { hint: hintFor(root) });
}

/** The weights under a key, or under keys inside each other with dots between them. */
function under(root: PickleValue, entry: string): Assembled | undefined {
  const dict = dictOf(root);
  if (!dict) return undefined;
  for (const [key, value] of dict) {
    if (typeof key !== 'string') continue;
    const found =
      key === entry
        ? weightsIn(value, 1)
        : entry.startsWith(`${key}.`)
          ? under(value, entry.slice(key.length + 1))
          : undefined;
    if (found) return { ...found, metadata: new Map([...plainValues(dict), ...found.metadata]), entry };
  }
  return undefined;
}

const dictOf = (value: PickleValue): Dict | undefined =>
  value instanceof Map ? value : value instanceof Instance && value.items.size > 0 ? value.items : undefined;

function weightsIn(value: PickleValue, depth: number): Assembled | undefined {
  if (value instanceof Instance && isModule(value)) return { tensors: moduleTensors(value), metadata: new Map() };
  const dict = dictOf(value);
  if (!dict || depth > 2) return undefined;
  const found = WRAPPER_KEYS.flatMap((key) => {
    const inner = dict.get(key);
    const weights = inner === undefined ? undefined : weightsIn(inner, depth + 1);
    return weights ? [{ key, weights }] : [];
  });
  const [first] = found;
  if (found.length > 1)
    throw new CnnxError(
      'torch/several-sets',
      `the file has ${found.length} sets of weights: ${found.map(({ key, weights }) => `${key} (${weights.tensors.size} tensors)`).join(', ')}`,
      { hint: `choose one with --entry, as in --entry ${first?.key}` },
    );
  if (first) {
    const { key, weights } = first;
    const entry = weights.entry === undefined ? key : `${key}.${weights.entry}`;
    return { ...weights, metadata: new Map([...weights.metadata, ...plainValues(dict)]), entry };
  }
  // Only then: a training checkpoint may have tensors of its own beside the model (the state of a random number
  // generator).
  const direct = tensorsOf(dict);
  return direct.size > 0 ? { tensors: direct, metadata: new Map() } : undefined;
}

function tensorsOf(dict: Dict): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const [name, value] of dict) {
    const t = isTensor(value) ? value : numpyTensor(value);
    if (typeof name === 'string' && t) out.set(name, t);
  }
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
  const holding = keys.filter((k) => root instanceof Map && weightsIn(root.get(k) ?? null, 1));
  if (holding.length > 0)
    return `there are tensors under ${holding
      .slice(0, 8)
      .map((k) => printable(k, 40))
      .join(', ')}: choose with --entry`;
  const like = keys.find((k) => nearest(k, WRAPPER_KEYS, 1).length > 0);
  return like === undefined
    ? 'save the state dict: torch.save(model.state_dict(), path)'
    : `save what is under '${printable(like, 40)}' by itself`;
}
