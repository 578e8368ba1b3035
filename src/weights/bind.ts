import { type Built, type Param, setWeights } from '../builders/index.js';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { StateDict } from '../formats/state-dict.js';
import { Editor } from '../graph/edit.js';
import type { Tensor } from '../tensor/tensor.js';
import { isFloat, toFloat32 } from './float32.js';
import { type Mismatch, misfit, mismatchError, missing, unexpected, withNearest } from './mismatch.js';
import { prepare } from './prepare.js';
import { isAuxiliary, isWeightName, networkName } from './renames.js';

/** How the tensors of a checkpoint are matched with the parameters of a network. */
export interface BindOptions {
  /** Take what fits and leave the rest as it starts, instead of refusing. */
  readonly partial?: boolean | undefined;
  /** What the names of the network's tensors begin with in the checkpoint; others are left out. */
  readonly prefix?: string | undefined;
  /** What the model's metadata says that its weights come from. */
  readonly name?: string | undefined;
}

/** What became of the tensors of a checkpoint. */
export interface BindReport {
  /** Entries of the network's state dict that now have the checkpoint's values. */
  readonly bound: number;
  /** What does not fit; empty unless `partial`. */
  readonly mismatches: readonly Mismatch[];
  /** Entries for auxiliary classifiers that this network is built without. */
  readonly ignored: readonly string[];
  /** How many tensors were of which other type than float32. */
  readonly converted: ReadonlyMap<string, number>;
  /** What was done to the names and the tensors before that, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts a checkpoint's tensors into a network, by state-dict key: after `module.` and `_orig_mod.` come off, and under
 * today's names for older ones. Other floating-point types become float32. Throws `weights/mismatch` with everything
 * that does not fit at once, unless `partial`; then `weights/nothing` if nothing fits. Nothing is bound when it throws,
 * and no tensor is read.
 */
export function bindWeights(
  built: Built,
  stateDict: StateDict,
  { partial = false, name, prefix }: BindOptions = {},
): BindReport {
  const { tensors: given, notes } = prepare(stateDict, prefix);
  const params = new Map(built.stateDict.map((p) => [p.name, p]));
  const rows: Mismatch[] = [];
  const ignored: string[] = [];
  const found = new Map<string, Tensor>();
  for (const [key, t] of given) {
    const name = networkName(key, (n) => params.has(n) && (n === key || !given.has(n)));
    if (name !== undefined) found.set(name, t);
    else if (isAuxiliary(key) && Object.hasOwn(built.config, 'aux')) ignored.push(key);
    else if (stateDict.format !== 'onnx' || isWeightName(key)) rows.push(unexpected(key, t));
  }
  const bound = new Map<string, Tensor>();
  for (const param of params.values()) {
    const t = found.get(param.name);
    if (t && fits(param, t)) bound.set(param.name, t);
    else if (t) rows.push(misfit(param, t));
    else if (!isCounter(param)) rows.push(missing(param));
  }
  if (rows.length > 0 && !partial) throw mismatchError(built, inOrder(rows), bound.size);
  if (bound.size === 0) {
    throw new CnnxError('weights/nothing', `none of ${given.size} tensors fits ${printable(built.variant.name)}`, {
      hint: 'cnnx inspect FILE lists what the file has',
    });
  }
  setWeights(built, new Map([...bound].map(([name, t]) => [name, isFloat(t) ? toFloat32(t) : t])));
  if (name !== undefined) recordOrigin(built, name, rows.length > 0);
  return { bound: bound.size, mismatches: inOrder(rows), ignored, converted: otherTypes(bound.values()), notes };
}

/** The metadata says where the weights come from; of how they started, only where some still are as they started. */
function recordOrigin({ model }: Built, name: string, keepsInit: boolean): void {
  const others = model.metadata.filter(({ key }) => key !== 'cnnx.weights' && (keepsInit || key !== 'cnnx.init'));
  new Editor(model).setHeader({ metadata: [...others, { key: 'cnnx.weights', value: name }] });
}

/** Counts of batches are integers of any type, and no inference graph has them; everything else is a float. */
const fits = (param: Param, t: Tensor): boolean =>
  t.shape.join() === param.shape.join() && (isCounter(param) || isFloat(t));

const isCounter = (param: Param): boolean => param.kind === 'norm.num_batches_tracked';

const ORDER: readonly Mismatch['problem'][] = ['shape', 'type', 'missing', 'unexpected'];

const inOrder = (rows: readonly Mismatch[]): readonly Mismatch[] =>
  withNearest([...rows].sort((a, b) => ORDER.indexOf(a.problem) - ORDER.indexOf(b.problem)));

function otherTypes(tensors: Iterable<Tensor>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const t of tensors) if (isFloat(t) && t.dtype !== 'float32') counts.set(t.dtype, (counts.get(t.dtype) ?? 0) + 1);
  return counts;
}
