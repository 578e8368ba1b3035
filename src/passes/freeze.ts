import { Editor } from '../graph/edit.js';
import type { Model, Value } from '../graph/ir.js';

/**
 * Takes initializers off the inputs of a model, so that they are constants, which callers can no longer override. Gives their names. Below IR version 4
 * they are constants as they stand, and have to be listed.
 */
export function freezeInitializers(model: Model): readonly string[] {
  if (!model.overridableInitializers) return [];
  const edit = new Editor(model);
  const overridable: Value[] = model.graph.inputs.filter((v) => v.initializer !== undefined);
  for (const value of overridable) edit.freeze(value);
  return overridable.map((v) => v.name);
}
