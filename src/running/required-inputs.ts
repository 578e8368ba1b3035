import { isTensorType } from '../graph/types.js';
import type { Port } from './port.js';
import type { Model, Value } from '../graph/ir.js';

/** The inputs that a caller has to give: those without a default. */
export const requiredInputs = (model: Model): readonly Value[] =>
  model.graph.inputs.filter((v) => !v.initializer && !v.sparseInitializer);

/** The inputs that have to be given, as a session would describe them: '?' for a size that has no name. */
export const portsOf = (model: Model): readonly Port[] =>
  requiredInputs(model).map(({ name, type }) =>
    isTensorType(type)
      ? { name, dtype: type.dtype, shape: (type.shape ?? []).map((d) => d ?? '?') }
      : { name, dtype: undefined, shape: [] },
  );
