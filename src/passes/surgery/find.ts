import { CnnxError } from '../../base/errors.js';
import { didYouMean, printable } from '../../base/text.js';
import type { Model, Value } from '../../graph/ir.js';

/** The values of a model's main graph with these names. Throws `surgery/name` with every name that it does not have. */
export function valuesNamed(model: Model, names: readonly string[]): readonly Value[] {
  const { values } = model.graph;
  const unknown = names.filter((name) => !values.has(name));
  if (unknown.length > 0) {
    const [first = ''] = unknown;
    throw new CnnxError('surgery/name', `the model has no value named ${unknown.map((n) => printable(n)).join(', ')}`, {
      hint: didYouMean(first, values.keys()) ?? 'cnnx inspect lists the outputs of layers',
    });
  }
  return names.flatMap((name) => values.get(name) ?? []);
}
