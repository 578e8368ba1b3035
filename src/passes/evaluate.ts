import type { Model } from '../graph/ir.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Runs a model that needs no inputs and gives its outputs by name, in their own types; or says why it could not. Implemented outside of this room
 * (onnxruntime in a child process): passes only declare what they need.
 */
export type Evaluate = (
  region: Model,
) => Promise<{ readonly values: ReadonlyMap<string, Tensor> } | { readonly failed: string }>;
