import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { STORAGE_TYPES } from './names.js';
import { numpyFromBuffer } from './numpy.js';
import { rebuildTensor, rebuildTyped, rebuildWithoutStorage } from './rebuild.js';
import { describeValue, GlobalName, Instance, type PickleValue } from './values.js';

/** What stands for a call: makes a value from the arguments, and touches nothing else. */
type Construct = (args: readonly PickleValue[], name: GlobalName) => PickleValue;

/**
 * Every function that a checkpoint may ask to be called, by its exact module and name, with what is done instead.
 * Anything else that a pickle wants called is refused. An allow-list by prefix would not do:
 * `torch.serialization.os.system` begins with `torch.`.
 */
const FUNCTIONS: ReadonlyMap<string, Construct> = new Map<string, Construct>([
  ['__builtin__.bytearray', ([bytes]) => bytes ?? null],
  ['__builtin__.complex', (args) => [...args]],
  ['__builtin__.dict', emptyDict],
  ['__builtin__.frozenset', list],
  ['__builtin__.list', list],
  ['__builtin__.set', list],
  ['__builtin__.slice', list],
  ['__builtin__.tuple', list],
  ['_codecs.encode', encode],
  ['collections.Counter', copyDict],
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', emptyDict],
  ['copy_reg._reconstructor', reconstruct],
  ['datetime.datetime', inert],
  ['datetime.timedelta', inert],
  ['functools.partial', inert],
  ['numpy.core.multiarray._reconstruct', inert],
  ['numpy.core.multiarray.scalar', inert],
  ['numpy.core.numeric._frombuffer', numpyFromBuffer],
  ['numpy.dtype', withArguments],
  ['pathlib.Path', inert],
  ['pathlib.PosixPath', inert],
  ['pathlib.WindowsPath', inert],
  ['torch.Size', ([sizes]) => sizes ?? []],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch._utils._rebuild_meta_tensor_no_storage', rebuildWithoutStorage],
  ['torch._utils._rebuild_parameter', first],
  ['torch._utils._rebuild_parameter_with_state', first],
  ['torch._utils._rebuild_qtensor', rebuildWithoutStorage],
  ['torch._utils._rebuild_sparse_tensor', rebuildWithoutStorage],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTyped],
  ['torch.device', inert],
  ['torch.nn.parameter.Parameter', first],
  ['torch.serialization._get_layout', inert],
  ['torch.torch_version.TorchVersion', first],
]);

/** `torch.save` writes the names that Python 2 knew (protocol 2); other writers use today's. */
const TODAY: ReadonlyMap<string, string> = new Map([
  ['builtins', '__builtin__'],
  ['copyreg', 'copy_reg'],
  ['numpy._core.multiarray', 'numpy.core.multiarray'],
  ['numpy._core.numeric', 'numpy.core.numeric'],
]);

/** A name that the pickle pushes. */
export function globalName(module: string, name: string): GlobalName {
  const old = TODAY.get(module) ?? module;
  return new GlobalName(old, name, name.includes('.') ? undefined : STORAGE_TYPES.get(`${old}.${name}`));
}

/** Stands for calling `callee`. Throws `pickle/refused` for everything that is not on the list. */
export function construct(callee: PickleValue, args: PickleValue): PickleValue {
  if (!(callee instanceof GlobalName)) throw refused('the result of another call', 'called');
  const make = FUNCTIONS.get(callee.path);
  // A dotted name reaches through a module into whatever that module imports.
  if (!make || callee.name.includes('.')) throw refused(callee.path, 'called');
  if (!Array.isArray(args))
    throw new CnnxError('pickle/invalid', `${printable(callee.path)} is called without a list of arguments`);
  return make(args, callee);
}

/**
 * Stands for making an object of a class: only its name is kept. Throws `pickle/refused` if anything would be passed to
 * the class.
 */
export function instantiate(type: PickleValue, args: PickleValue): PickleValue {
  if (!(type instanceof GlobalName)) throw refused('something that is not a class', 'made into an object');
  if (FUNCTIONS.has(type.path)) return construct(type, args);
  if (type.name.includes('.') || !Array.isArray(args) || args.length > 0)
    throw refused(type.path, 'called with arguments');
  return new Instance(type);
}

export function refused(name: string, what: string): CnnxError {
  return new CnnxError(
    'pickle/refused',
    `the file asks for ${printable(name)} to be ${what}; only tensors and plain containers are built, and nothing is ever called`,
    { hint: 'if you trust the file, save its state dict alone, from Python: torch.save(model.state_dict(), path)' },
  );
}

function first([value]: readonly PickleValue[]): PickleValue {
  return value ?? null;
}

function list([items]: readonly PickleValue[]): PickleValue {
  return Array.isArray(items) ? [...items] : [];
}

function emptyDict(): PickleValue {
  return new Map();
}

function copyDict([items]: readonly PickleValue[]): PickleValue {
  return items instanceof Map ? new Map(items) : new Map();
}

/** Protocols 0 and 1 give the entries as a list of pairs. */
function orderedDict([items]: readonly PickleValue[]): PickleValue {
  const pairs = Array.isArray(items) ? items : [];
  return new Map(
    pairs.flatMap((p) => (Array.isArray(p) && p.length === 2 ? [[p[0] ?? null, p[1] ?? null] as const] : [])),
  );
}

/** Bytes as protocol 2 has them: a string of the characters U+0000 to U+00FF, and 'latin1'. */
function encode([text, codec]: readonly PickleValue[]): PickleValue {
  if (typeof text !== 'string' || codec !== 'latin1')
    throw refused('_codecs.encode', `called with ${describeValue(codec)}`);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Objects of protocols 0 and 1: (class, object, None). */
function reconstruct([type, base]: readonly PickleValue[], name: GlobalName): PickleValue {
  if (!(base instanceof GlobalName) || base.path !== '__builtin__.object')
    throw refused(name.path, 'called on a built-in class');
  return instantiate(type ?? null, []);
}

/**
 * What turns up beside the weights (paths, dates, NumPy scalars, unapplied functions) is kept as the name of what it
 * is.
 */
function inert(_: readonly PickleValue[], name: GlobalName): PickleValue {
  return new Instance(name);
}

/** A name, with what it was given. */
function withArguments(args: readonly PickleValue[], name: GlobalName): PickleValue {
  const made = new Instance(name);
  made.list.push(...args);
  return made;
}

/** (function, type, arguments, state): a tensor that had attributes of its own. */
function rebuildFromType([callee, , args]: readonly PickleValue[]): PickleValue {
  return construct(callee ?? null, args ?? null);
}
