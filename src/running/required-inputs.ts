import type { Model, Value } from '../graph/ir.js';

/** The inputs that a caller has to give: those without a default. */
export const requiredInputs = (model: Model): readonly Value[] =>
  model.graph.inputs.filter((v) => !v.initializer && !v.sparseInitializer);
