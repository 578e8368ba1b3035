import type { Model } from '../graph/ir.js';
import type { Shape } from '../graph/types.js';
import { shapeOf } from '../ops/tensors.js';
import { requiredInputs } from './required-inputs.js';

/**
 * What an input that is a shape is for: only shapes that fit run, and only others than the present one show what they
 * do.
 */
export interface ShapeRole {
  readonly op: 'Reshape' | 'Expand';
  /** The shape of the tensor that it is given to, which may have names. */
  readonly of: Shape;
}

/** Inputs that a Reshape or an Expand takes as its shape, by name; of models whose types were inferred. */
export function shapeRoles(model: Model): ReadonlyMap<string, ShapeRole> {
  const out = new Map<string, ShapeRole>();
  for (const value of requiredInputs(model)) {
    for (const node of value.uses.keys()) {
      const { opType } = node;
      const of = shapeOf(node.inputs[0]);
      if ((opType === 'Reshape' || opType === 'Expand') && node.inputs[1] === value && of)
        out.set(value.name, { op: opType, of });
    }
  }
  return out;
}
