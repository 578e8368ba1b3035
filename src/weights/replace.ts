import { CnnxError } from '../base/errors.js';
import { nearest, printable, table } from '../base/text.js';
import type { StateDict } from '../formats/state-dict.js';
import { Editor } from '../graph/edit.js';
import { constantTensor, type Model, type Value } from '../graph/ir.js';
import { asFloat64, fromFloat64, lazyTensor, type Tensor } from '../tensor/tensor.js';
import { prepare } from './prepare.js';
import { isFloat, toFloat32 } from './float32.js';

/** What became of the initializers of a model. */
export interface ReplaceReport {
  readonly replaced: number;
  /** Initializers that stay as they are. */
  readonly kept: readonly string[];
  /** Tensors that were not used; empty unless `partial`. */
  readonly unused: readonly string[];
  /** What was done to the names and the tensors before that, in words. */
  readonly notes: readonly string[];
}

/**
 * Gives a model's initializers other data, by name. Floating-point data takes the initializer's type, rounded once
 * where that is narrower. Throws `weights/mismatch` for tensors without an initializer of their name and shape, all at
 * once, unless `partial`; `weights/nothing` if none fits. Counts of batches, which no inference model has, are passed
 * over.
 */
export function replaceInitializers(
  model: Model,
  stateDict: StateDict,
  { partial = false, prefix }: { readonly partial?: boolean | undefined; readonly prefix?: string | undefined } = {},
): ReplaceReport {
  const { tensors: given, notes } = prepare(stateDict, prefix);
  const values = new Map([...model.graph.initializers].map((value) => [value.name, value]));
  const fitting = new Map<Value, Tensor>();
  const misfits: (readonly [string, string, string, string])[] = [];
  for (const [name, t] of given) {
    const value = values.get(name);
    const old = constantTensor(value) ?? value?.initializer;
    const fitted = old && fit(t, old);
    if (value && fitted) fitting.set(value, fitted);
    else if (old || !name.endsWith('num_batches_tracked')) {
      misfits.push([name, text(t), old ? text(old) : '', old ? '' : (nearest(name, values.keys(), 1)[0] ?? '')]);
    }
  }
  if (misfits.length > 0 && !partial) throw mismatch(misfits, fitting.size);
  if (fitting.size === 0) {
    throw new CnnxError(
      'weights/nothing',
      `none of ${given.size} tensors has the name and shape of one of the model's ${values.size} initializers`,
    );
  }
  const editor = new Editor(model);
  for (const [value, t] of fitting) editor.setInitializer(value, t);
  const kept = [...values].filter(([, value]) => !fitting.has(value)).map(([name]) => name);
  return { replaced: fitting.size, kept, unused: misfits.map(([name]) => name), notes };
}

/** The data as the old tensor's type; undefined when shape or kind differ. */
function fit(t: Tensor, old: Tensor): Tensor | undefined {
  if (t.shape.join() !== old.shape.join()) return undefined;
  if (t.dtype === old.dtype) return t;
  if (!isFloat(t) || !isFloat(old)) return undefined;
  const { dtype } = old;
  if (dtype === 'float32') return toFloat32(t);
  return dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float64'
    ? lazyTensor(dtype, t.shape, () => fromFloat64(dtype, t.shape, asFloat64(t)).bytes())
    : undefined;
}

function mismatch(rows: readonly (readonly [string, string, string, string])[], fitting: number): CnnxError {
  const cells = rows.map((row) => row.map((cell) => printable(cell)));
  return new CnnxError(
    'weights/mismatch',
    `${rows.length} tensors do not fit an initializer of the model, ${fitting} do\n${table(cells, ['name', 'in the file', 'in the model', 'nearest name'])}`,
    { hint: '--partial takes those that fit' },
  );
}

const text = (t: Tensor): string => `${t.dtype}[${t.shape.join(', ')}]`;
