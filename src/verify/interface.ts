import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Model } from '../graph/ir.js';
import { requiredInputs } from '../running/required-inputs.js';
import { isTensorType, typeText, type ValueType } from '../graph/types.js';

/** Throws `verify/interface`, with every difference, unless both models take the same inputs and give the same outputs. */
export function checkInterfaces(reference: Model, candidate: Model): void {
  const differences = [
    ...compareLists('input', declaredInputs(reference), declaredInputs(candidate)),
    ...compareLists('output', declaredOutputs(reference), declaredOutputs(candidate)),
  ];
  if (differences.length === 0) return;
  throw new CnnxError(
    'verify/interface',
    `the two models cannot be compared:\n${differences.map((d) => `  ${d}`).join('\n')}`,
    { hint: 'both need the same inputs and outputs, by name, type and shape' },
  );
}

/** An input or output as its model declares it, which what is known of the value need not agree with: outputs may be declared wrongly. */
interface Declared {
  readonly name: string;
  readonly type: ValueType | undefined;
}

const declaredInputs = (model: Model): Declared[] =>
  requiredInputs(model).map((v) => ({ name: v.name, type: model.graph.inputInfos.get(v)?.type ?? v.type }));

const declaredOutputs = ({ graph }: Model): Declared[] =>
  graph.outputs.map((v, i) => ({ name: v.name, type: graph.outputInfos[i]?.type ?? v.type }));

function compareLists(what: string, a: readonly Declared[], b: readonly Declared[]): string[] {
  const others = new Map(b.map((v) => [v.name, v]));
  // One value may be listed several times.
  const known = new Set(a.map((v) => v.name));
  const out: string[] = [];
  for (const value of a) {
    const other = others.get(value.name);
    const shown = `${what} ${printable(value.name)}`;
    if (!other) out.push(`${shown} (${typeText(value.type)}) is missing from the second model`);
    else if (!agree(value.type, other.type))
      out.push(`${shown} is ${typeText(value.type)} in the first model and ${typeText(other.type)} in the second`);
  }
  for (const value of others.values())
    if (!known.has(value.name))
      out.push(`${what} ${printable(value.name)} (${typeText(value.type)}) is only in the second model`);
  return out;
}

/** Whether two declarations can describe one tensor: free sizes agree with any. */
function agree(a: ValueType | undefined, b: ValueType | undefined): boolean {
  if (!a || !b) return true;
  if (!isTensorType(a) || !isTensorType(b)) return a.kind === b.kind;
  if (a.dtype !== b.dtype && a.dtype !== 'undefined' && b.dtype !== 'undefined') return false;
  if (!a.shape || !b.shape) return true;
  const { shape } = b;
  return (
    a.shape.length === shape.length &&
    a.shape.every((d, i) => {
      const e = shape[i];
      return typeof d !== 'number' || typeof e !== 'number' || d === e;
    })
  );
}
