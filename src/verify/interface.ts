import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { requiredInputs } from '../running/required-inputs.js';
import { isTensorType, typeText, type ValueType } from '../graph/types.js';

/**
 * Throws `verify/interface`, with every difference, unless both models take the same inputs and give the same outputs.
 */
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

/**
 * An input or output as its model declares it, which what is known of the value need not agree with: outputs may be
 * declared wrongly.
 */
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

export interface Aligned {
  /** The candidate, or a copy whose inputs and outputs are called as the reference's. */
  readonly candidate: Model;
  /** What was taken for what, where nobody said so. */
  readonly notes: readonly string[];
}

/**
 * Gives inputs and outputs of the candidate the names that `map` says (by the reference's), and those that are left
 * over, as many in both and of fitting types, the reference's by position. Throws `verify/interface` for a name in
 * `map` that there is not.
 */
export function alignNames(reference: Model, candidate: Model, map: ReadonlyMap<string, string> = new Map()): Aligned {
  const renames = new Map<string, string>();
  const [known, there] = [namesOf(reference), namesOf(candidate)];
  for (const [name, other] of map) {
    if (!known.has(name)) throw noSuchName('first', name, known);
    if (!there.has(other)) throw noSuchName('second', other, there);
    if (name !== other) renames.set(other, name);
  }
  const notes: string[] = [];
  for (const [what, a, b] of [
    ['input', declaredInputs(reference), declaredInputs(candidate)],
    ['output', declaredOutputs(reference), declaredOutputs(candidate)],
  ] as const) {
    const named = new Set(b.map((v) => renames.get(v.name) ?? v.name));
    const left = a.filter((v) => !named.has(v.name));
    const others = b.filter((v) => !a.some((r) => r.name === (renames.get(v.name) ?? v.name)));
    if (left.length !== others.length || !left.every((v, i) => agree(v.type, others[i]?.type))) continue;
    left.forEach((v, i) => {
      const other = others[i]?.name ?? '';
      renames.set(other, v.name);
      notes.push(
        `${what} ${printable(v.name)} is taken for ${printable(other)} of the second model, by position: --map says otherwise`,
      );
    });
  }
  return { candidate: renames.size === 0 ? candidate : renamed(candidate, renames), notes };
}

const noSuchName = (which: string, name: string, names: ReadonlySet<string>): CnnxError =>
  new CnnxError('verify/interface', `the ${which} model has no input or output ${printable(name)}`, {
    hint: `it has ${[...names].map((n) => printable(n)).join(', ')}`,
  });

const namesOf = (model: Model): ReadonlySet<string> =>
  new Set([...declaredInputs(model), ...declaredOutputs(model)].map((v) => v.name));

function renamed(model: Model, names: ReadonlyMap<string, string>): Model {
  const copy = cloneModel(model);
  const edit = new Editor(copy);
  const { values } = copy.graph;
  const moved = [...names].flatMap(([from, to]) => {
    const value = values.get(from);
    return value ? [{ value, to }] : [];
  });
  // First out of the way: names may be exchanged, or taken inside.
  for (const { value } of moved) edit.rename(value, edit.freshName(`${value.name}_renamed`));
  for (const { value, to } of moved) {
    const taken = values.get(to);
    if (taken) edit.rename(taken, edit.freshName(`${to}_inner`));
    edit.rename(value, to);
  }
  return copy;
}
