import type { Editor } from '../../graph/edit.js';
import { everyGraph } from '../../graph/walk.js';
import type { Model } from '../../graph/ir.js';
import { isTensorType, type ValueType } from '../../graph/types.js';
import type { DType } from '../../tensor/dtype.js';
import { irVersionFor } from './versions.js';

/** The IR version that brought an element type. Source: ONNX docs/IR.md and the comments of onnx.proto. */
const TYPE_IR: Partial<Record<DType, number>> = {
  float8e4m3fn: 9,
  float8e4m3fnuz: 9,
  float8e5m2: 9,
  float8e5m2fnuz: 9,
  int4: 10,
  uint4: 10,
  float4e2m1: 11,
  float8e8m0: 12,
  int2: 13,
  uint2: 13,
};

/** Raises the IR version to that of an opset. Below IR 4, initializers among the inputs were constants, and stay so. */
export function raiseIrVersion(edit: Editor, opset: number): void {
  const { model } = edit;
  const old = Number(model.irVersion ?? 0n);
  const wanted = irVersionFor(opset);
  if (wanted <= old) return;
  const wereConstants = !model.overridableInitializers;
  edit.setHeader({ irVersion: BigInt(wanted) });
  if (wereConstants && wanted >= 4)
    for (const value of model.graph.inputs.filter((v) => v.initializer !== undefined)) edit.freeze(value);
}

/** Lowers the IR version to that of an opset, or to what the model needs besides. Below 4, initializers are listed among the inputs. */
export function lowerIrVersion(edit: Editor, opset: number): void {
  const { model } = edit;
  const old = Number(model.irVersion ?? 0n);
  const wanted = Math.max(irVersionFor(opset), neededBy(model));
  if (wanted >= old) return;
  edit.setHeader({ irVersion: BigInt(wanted) });
  if (wanted < 4) edit.listInitializers();
}

/** The lowest IR version that has what a model uses beside its operators. */
function neededBy(model: Model): number {
  const graphs = everyGraph(model);
  let ir = 3;
  const need = (version: number): void => {
    ir = Math.max(ir, version);
  };
  if (model.functions.length > 0) need(8);
  if (model.functions.some((f) => f.overload)) need(10);
  for (const graph of graphs) {
    // From IR 4 on, callers may override what is listed; and only from there on subgraphs have initializers.
    if (graph.parent ? graph.initializers.size > 0 : graph.inputs.some((v) => v.initializer)) need(4);
    if (graph.sparseInitializers.size > 0) need(5);
    if (graph.metadata.length > 0) need(10);
    for (const value of graph.values.values()) need(TYPE_IR[dtypeWithin(value.type)] ?? 3);
    for (const node of graph.nodes()) {
      if (node.metadata.length > 0) need(10);
      if (node.overload) need(10);
    }
  }
  return ir;
}

const dtypeWithin = (type: ValueType | undefined): DType => (isTensorType(type) ? type.dtype : 'undefined');
