import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { Editor } from '../graph/edit.js';
import { inferShapes } from '../graph/infer.js';
import type { Graph, Model, Value } from '../graph/ir.js';
import { type Dim, isTensorType, typeText, type ValueType } from '../graph/types.js';
import { registry } from '../ops/index.js';

/** New sizes for the inputs of a model. */
export interface DimChanges {
  /** The first dimension of the inputs, whatever it was: a number, or a name that leaves it open. */
  readonly batch?: number | string | undefined;
  /** Dimensions by their present names. */
  readonly dims?: ReadonlyMap<string, number | string> | undefined;
}

/**
 * Changes sizes that a model's inputs declare, and all that follows from them. Throws `graph/shape` when a name is not there, or when the model
 * computes something else at that size (a Reshape with a fixed batch, a Gemm that needs one picture size).
 */
export function setDims(model: Model, { batch, dims = new Map() }: DimChanges): void {
  const { graph } = model;
  const inputs = graph.inputs.filter((v) => !v.initializer && isTensorType(v.type) && v.type.shape);
  checkNames(dims, inputs);
  const before = new Set(problems(model));
  const outputs = graph.outputs.map((v) => v.type);
  const oldBatch = batchOf(inputs[0]);

  const edit = new Editor(model);
  const change = (d: Dim, axis: number, first: boolean): Dim => {
    if (batch !== undefined && axis === 0 && first) return batch;
    return typeof d === 'string' ? (dims.get(d) ?? d) : d;
  };
  for (const input of inputs) {
    const moves = (rank(input.type) > 1 || inputs.length === 1) && batchOf(input) === oldBatch;
    edit.declare(
      graph,
      input,
      mapDims(input.type, (d, axis) => change(d, axis, moves)),
    );
  }
  // What the file says of the rest held at the old sizes; what still holds is inferred.
  edit.setValueInfos(graph, []);
  for (const output of graph.outputs) edit.declare(graph, output, withoutShape(output.type));

  const fresh = problems(model).filter((p) => !before.has(p));
  if (fresh.length > 0)
    throw new CnnxError('graph/shape', `the model does not work at these sizes:\n  ${fresh.slice(0, 5).join('\n  ')}`, {
      hint: 'sizes may be fixed inside of it, as in a Reshape to a constant shape',
    });
  declareOutputs(edit, graph, outputs, oldBatch, batch);
}

const rank = (t: ValueType | undefined): number => (isTensorType(t) ? (t.shape?.length ?? 0) : 0);
const batchOf = (v: Value | undefined): Dim => (isTensorType(v?.type) ? v.type.shape?.[0] : undefined);

function checkNames(dims: ReadonlyMap<string, unknown>, inputs: readonly Value[]): void {
  const known = new Set(
    inputs.flatMap((v) => (isTensorType(v.type) ? (v.type.shape ?? []) : []).filter((d) => typeof d === 'string')),
  );
  for (const name of dims.keys()) {
    if (known.has(name)) continue;
    const names = [...known].map((n) => printable(n)).join(', ');
    throw new CnnxError('graph/shape', `no input has a dimension named ${printable(name)}`, {
      hint: names === '' ? 'no dimension of the inputs has a name; --batch changes the first' : `there are: ${names}`,
    });
  }
}

const problems = (model: Model): string[] =>
  inferShapes(model, registry).map((p) => `${printable(p.node.name ?? p.node.opType)}: ${p.message}`);

function mapDims(t: ValueType | undefined, change: (d: Dim, axis: number) => Dim): ValueType {
  if (!isTensorType(t)) throw new Error('bug: the dimensions of something that is no tensor');
  return { ...t, shape: t.shape?.map(change) };
}

const withoutShape = (t: ValueType | undefined): ValueType =>
  isTensorType(t) ? { ...t, shape: undefined } : (t ?? { kind: 'opaque' });

/** Writes what was inferred into the outputs' declarations. An output that was one batch long has to be one batch long still. */
function declareOutputs(
  edit: Editor,
  graph: Graph,
  old: readonly (ValueType | undefined)[],
  oldBatch: Dim,
  batch: number | string | undefined,
): void {
  graph.outputs.forEach((output, i) => {
    const was = old[i];
    const now = output.type;
    const followed = isTensorType(was) && was.shape?.[0] === oldBatch && rank(was) > 1;
    if (
      batch !== undefined &&
      followed &&
      isTensorType(now) &&
      typeof now.shape?.[0] === 'number' &&
      now.shape[0] !== batch
    )
      throw new CnnxError(
        'graph/shape',
        `the output ${printable(output.name)} stays ${typeText(now)} at batch ${batch}: its size is fixed inside the model`,
        { at: { value: output.name } },
      );
    if (now) edit.declare(graph, output, now);
  });
}
