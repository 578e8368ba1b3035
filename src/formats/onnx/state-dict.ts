import type { Model } from '../../graph/ir.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { StateDict } from '../state-dict.js';

/**
 * The initializers of a model's graph, under their names; those of subgraphs have names of their own world and are left
 * out.
 */
export function modelStateDict(model: Model): StateDict {
  const tensors = new Map<string, Tensor>();
  for (const { name, initializer } of model.graph.initializers) if (initializer) tensors.set(name, initializer);
  return { format: 'onnx', tensors, metadata: new Map(model.metadata.map(({ key, value }) => [key, value])) };
}
