import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model, Node, Value } from '../graph/ir.js';
import { isTensorType, tensorType, typeText, type ValueType } from '../graph/types.js';
import { Cast } from '../ops/index.js';
import { type DType, dtypeCode } from '../tensor/dtype.js';
import { asFloat64, fromFloat64, isNumeric } from '../tensor/tensor.js';
import { requiredInputs } from './required-inputs.js';
import { isSessionType } from './session-types.js';
import type { Feeds } from './session.js';

/** A type that holds every value of one that sessions have no tensors of, and the operator set from which Cast knows the latter. */
interface StandIn {
  readonly dtype: 'float32' | 'int8' | 'uint8';
  readonly since: number;
}

const STAND_INS: Partial<Record<DType, StandIn>> = {
  bfloat16: { dtype: 'float32', since: 13 },
  float8e4m3fn: { dtype: 'float32', since: 19 },
  float8e4m3fnuz: { dtype: 'float32', since: 19 },
  float8e5m2: { dtype: 'float32', since: 19 },
  float8e5m2fnuz: { dtype: 'float32', since: 19 },
  float8e8m0: { dtype: 'float32', since: 24 },
  float4e2m1: { dtype: 'float32', since: 23 },
  int4: { dtype: 'int8', since: 21 },
  uint4: { dtype: 'uint8', since: 21 },
  int2: { dtype: 'int8', since: 25 },
  uint2: { dtype: 'uint8', since: 25 },
};

/** A model as a session can run it, and what differs from the model itself. */
export interface BoundaryCasts {
  /** The model itself, or a copy whose inputs and outputs all can go through a session: casts stand at those of other types. */
  readonly model: Model;
  /** By output: the type that it has in the model itself, where that is another. */
  readonly types: ReadonlyMap<string, DType>;
  /** Each output that had to be left out, and why. */
  readonly leftOut: readonly string[];
}

/**
 * A model that a session can feed and read: it has no tensors of bfloat16, float8 or under a byte, and no sequences. Throws
 * `runtime/tensor-type` when an input, or every output, is of a type that nothing can stand for.
 */
export function withBoundaryCasts(model: Model): BoundaryCasts {
  const { graph } = model;
  const inputs = requiredInputs(model).filter((v) => needsCast(inputType(v)));
  const outputs = graph.outputs.filter((_, i) => needsCast(outputType(model, i)));
  if (inputs.length + outputs.length === 0) return { model, types: new Map(), leftOut: [] };
  for (const value of inputs) {
    const why = obstacle(model, value.name, inputType(value));
    if (why !== undefined) throw refusal(`the input ${why}`);
  }
  const leftOut = graph.outputs.flatMap((v, i) => obstacle(model, v.name, outputType(model, i)) ?? []);
  if (leftOut.length === graph.outputs.length) throw refusal(`the output ${leftOut[0]}`);
  const types = graph.outputs.flatMap((v, i) => {
    const type = outputType(model, i);
    return needsCast(type) && isTensorType(type) ? [[v.name, type.dtype] as const] : [];
  });
  return { model: addCasts(model), types: new Map(types), leftOut };
}

/** Tensors given for a model's inputs as `withBoundaryCasts`'s takes them. */
export const castFeeds = (feeds: Feeds): Feeds =>
  new Map(
    Array.from(feeds, ([name, t]) => [
      name,
      STAND_INS[t.dtype]?.dtype === 'float32' && isNumeric(t.dtype) ? fromFloat64('float32', t.shape, asFloat64(t)) : t,
    ]),
  );

const inputType = (value: Value): ValueType | undefined => value.graph.inputInfos.get(value)?.type ?? value.type;

const outputType = ({ graph }: Model, i: number): ValueType | undefined =>
  graph.outputInfos[i]?.type ?? graph.outputs[i]?.type;

const needsCast = (type: ValueType | undefined): boolean =>
  type !== undefined && !(isTensorType(type) && (isSessionType(type.dtype) || type.dtype === 'undefined'));

const refusal = (why: string): CnnxError => new CnnxError('runtime/tensor-type', why);

/** Why no cast helps; undefined where one does, or none is needed. */
function obstacle(model: Model, name: string, type: ValueType | undefined): string | undefined {
  if (!needsCast(type)) return undefined;
  const shown = `${printable(name)} is ${typeText(type)}`;
  const standIn = isTensorType(type) ? STAND_INS[type.dtype] : undefined;
  if (!standIn) return `${shown}, which sessions have no tensors of`;
  const opset = model.opset('') ?? 0;
  return opset >= standIn.since
    ? undefined
    : `${shown}, which sessions have no tensors of, and opset ${opset} cannot cast: ${standIn.since} can`;
}

function addCasts(original: Model): Model {
  const model = cloneModel(original);
  const { graph } = model;
  const edit = new Editor(model);
  const [first] = graph.nodes();
  const cast = (from: Value, to: DType, name: string, before?: Node): Value =>
    edit.add(graph, Cast, { x: from }, { to: dtypeCode(to) }, { outputs: [name], before }).out.y;
  /** What is fed, by the value that it becomes. */
  const fedAs = new Map<Value, Value>();
  for (const value of requiredInputs(model)) {
    const type = inputType(value);
    const standIn = isTensorType(type) && STAND_INS[type.dtype];
    if (!standIn) continue;
    const { name } = value;
    edit.rename(value, edit.freshName(`${name}_${type.dtype}`));
    const fed = edit.addInput(graph, name, tensorType(standIn.dtype, type.shape));
    const typed = cast(fed, type.dtype, edit.freshName(`${name}_cast`), first);
    edit.replaceUses(value, typed);
    edit.removeUnused(value);
    fedAs.set(typed, fed);
  }
  const outputs = graph.outputs.flatMap((value, i) => {
    const type = outputType(model, i);
    if (!needsCast(type)) return value;
    const standIn = isTensorType(type) ? STAND_INS[type.dtype] : undefined;
    if (!standIn || obstacle(model, value.name, type) !== undefined) return [];
    // An input that is an output at once has one name.
    const fed = fedAs.get(value);
    if (fed) return fed;
    const { name } = value;
    edit.rename(value, edit.freshName(`${name}_${typeText(type)}`));
    return cast(value, standIn.dtype, name);
  });
  edit.listOutputs(graph, outputs);
  return model;
}
