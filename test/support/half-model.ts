import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { asFloat64, fromFloat64 } from '../../src/tensor/tensor.js';

/**
 * The same network in float16: weights rounded, inputs and outputs of that type, nothing left of the types inferred for
 * float32.
 */
export function inHalf(model: Model): Model {
  const half = cloneModel(model);
  const edit = new Editor(half);
  for (const node of half.graph.nodes()) for (const value of node.outputs) if (value) edit.setType(value, undefined);
  for (const value of half.graph.initializers) {
    const t = value.initializer;
    if (t?.dtype === 'float32') edit.setInitializer(value, fromFloat64('float16', t.shape, asFloat64(t)));
  }
  for (const value of [...half.graph.inputs, ...half.graph.outputs]) {
    const type = value.type ?? half.graph.outputInfos.find((i) => i.name === value.name)?.type;
    if (type?.kind === 'tensor') edit.declare(half.graph, value, { ...type, dtype: 'float16' });
  }
  return half;
}
