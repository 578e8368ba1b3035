import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { Editor } from '../graph/edit.js';
import { inferShapes } from '../graph/infer.js';
import type { Model, Value } from '../graph/ir.js';
import { nodeLabel } from '../graph/order.js';
import { type Dim, isOpenSize, isTensorType, type TensorType } from '../graph/types.js';
import { registry } from '../ops/index.js';
import { changeBatch, forgetSizes } from './batch/index.js';
import type { BatchInput } from './batch/size-editor.js';

/** New sizes for the inputs of a model. */
export interface DimChanges {
  /** The batch, whatever it was: a number, or a name that leaves it open. */
  readonly batch?: number | string | undefined;
  /** Dimensions by their present names. */
  readonly dims?: ReadonlyMap<string, number | string> | undefined;
}

/**
 * Changes sizes that a model's inputs declare, and all that follows from them: constants inside that say a fixed batch are rewritten where that is
 * exact. Throws `graph/shape` when a name is not there, and `sizes/fixed` when the model cannot have that size (a Gemm that needs one picture size). That the
 * samples of the new batch do not mix is shown by `proveBatch`.
 */
export function setDims(model: Model, { batch, dims }: DimChanges): void {
  const edit = new Editor(model);
  if (dims) renameDims(model, edit, dims);
  if (batch === undefined) return;
  const inputs = batchInputs(model);
  const old = batchOf(inputs[0]);
  if (typeof old === 'number' && old > 0) changeBatch(model, edit, inputs, old, batch);
  else
    declareSizes(model, edit, (value, d, axis) =>
      inputs.some((i) => i.value === value && i.axis === axis) ? batch : d,
    );
}

/** The batch of a model: the size that its first batch axis declares. */
export const batchOf = (input: BatchInput | undefined): Dim =>
  isTensorType(input?.value.type) ? input.value.type.shape?.[input.axis] : undefined;

/**
 * The inputs that have an entry for each sample, and on which axis: the first axis of the first input, of all that are equally long there, and the
 * second of what an LSTM, GRU or RNN starts from.
 */
export function batchInputs(model: Model): readonly BatchInput[] {
  const inputs = tensorInputs(model);
  const old = batchOf(inputs[0] && batchAxisOf(inputs[0]));
  return inputs
    .map(batchAxisOf)
    .filter((i) => (rankOf(i.value) > 1 || inputs.length === 1) && rankOf(i.value) > i.axis && batchOf(i) === old);
}

function batchAxisOf(value: Value): BatchInput {
  const isState = [...value.uses.keys()].some(
    (n) => /^(LSTM|GRU|RNN)$/.test(n.opType) && n.attrs.get('layout') === undefined && n.inputs.indexOf(value) >= 5,
  );
  return { value, axis: isState ? 1 : 0 };
}

const tensorInputs = ({ graph }: Model): readonly Value[] =>
  graph.inputs.filter((v) => !v.initializer && isTensorType(v.type) && v.type.shape);

const rankOf = (v: Value): number => (isTensorType(v.type) ? (v.type.shape?.length ?? 0) : 0);

function renameDims(model: Model, edit: Editor, dims: ReadonlyMap<string, number | string>): void {
  checkNames(dims, tensorInputs(model));
  declareSizes(model, edit, (_, d) => (typeof d === 'string' ? (dims.get(d) ?? d) : d));
}

/** The names of the sizes that a model's inputs leave open. */
export const dimNames = (inputs: readonly Value[]): ReadonlySet<string> =>
  new Set(
    inputs.flatMap((v) => (isTensorType(v.type) ? (v.type.shape ?? []) : []).filter((d) => typeof d === 'string')),
  );

function checkNames(dims: ReadonlyMap<string, unknown>, inputs: readonly Value[]): void {
  const known = dimNames(inputs);
  for (const name of dims.keys()) {
    if (known.has(name)) continue;
    const names = [...known].map((n) => printable(n)).join(', ');
    throw new CnnxError('graph/shape', `no input has a dimension named ${printable(name)}`, {
      hint: names === '' ? 'no dimension of the inputs has a name; --batch changes the first' : `there are: ${names}`,
    });
  }
}

/** Declares other sizes of inputs, and what is inferred from them of outputs. */
function declareSizes(model: Model, edit: Editor, change: (input: Value, d: Dim, axis: number) => Dim): void {
  const { graph } = model;
  const before = new Set(problems(model));
  for (const value of tensorInputs(model)) {
    const type = value.type;
    if (!isTensorType(type)) continue;
    edit.declare(graph, value, { ...type, shape: type.shape?.map((d, axis) => change(value, d, axis)) });
  }
  forgetSizes(model, edit);
  const fresh = problems(model).filter((p) => !before.has(p));
  if (fresh.length > 0)
    throw new CnnxError('sizes/fixed', `the model does not work at these sizes:\n  ${fresh.slice(0, 5).join('\n  ')}`, {
      hint: 'sizes may be fixed inside of it, as in a Reshape to a constant shape',
    });
  for (const output of graph.outputs) if (isTensorType(output.type)) edit.declare(graph, output, named(output.type));
}

const problems = (model: Model): string[] =>
  inferShapes(model, registry, { computedOnly: true }).map((p) => `${nodeLabel(p.node)}: ${p.message}`);

/** Sizes that inference made up are not for files. */
const named = (type: TensorType): TensorType => ({
  ...type,
  shape: type.shape?.map((d) => (isOpenSize(d) ? undefined : d)),
});
