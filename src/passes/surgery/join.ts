import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { cloneModel } from '../../graph/clone.js';
import { copyInto } from '../../graph/copy-into.js';
import { Editor } from '../../graph/edit.js';
import { canonicalDomain, type Model, type Value } from '../../graph/ir.js';
import { isTensorType, typeText, type ValueType } from '../../graph/types.js';
import { requiredInputs } from '../../running/required-inputs.js';
import { convertOpset } from '../opset/convert.js';
import { findTypes } from '../types.js';
import { inlineFunctions } from './inline-functions.js';

/** Two models in one, and what names of the second became in it. */
export interface Joined {
  readonly model: Model;
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

const refused = (message: string, hint?: string): CnnxError => new CnnxError('surgery/refused', message, { hint });

/**
 * One model that feeds outputs of the first to inputs of the second: `map` has outputs by inputs. Without one, the only output goes to the only
 * input. Its inputs are those of both that are not fed, its outputs those of the first that feed nothing and those of the second. The one with the
 * lower opset is converted, and functions are written in place. Throws `surgery/name` and `surgery/refused`, with every type that does not fit.
 */
export function joinModels(first: Model, second: Model, map: ReadonlyMap<string, string> = new Map()): Joined {
  const opset = Math.max(first.opset('') ?? 0, second.opset('') ?? 0);
  const [model, other] = [ready(first, opset), ready(second, opset)];
  const edit = new Editor(model);
  importAll(edit, other);
  const { graph } = model;
  const pairs = connections(model, other, map);
  const bound = new Map<Value, Value | undefined>(pairs.map(({ input, output }) => [input, output]));
  const inputs = new Map<string, string>(pairs.map(({ input, output }) => [input.name, output.name]));
  for (const value of requiredInputs(other)) {
    if (bound.has(value)) continue;
    const name = edit.freshName(value.name);
    bound.set(
      value,
      edit.addInput(graph, name, other.graph.inputInfos.get(value)?.type ?? value.type ?? { kind: 'opaque' }),
    );
    inputs.set(value.name, name);
  }
  const values = copyInto(edit, graph, other.graph, { bound });
  const fed = new Set(pairs.map((p) => p.output));
  const results = other.graph.outputs.flatMap((v) => values.get(v) ?? []);
  edit.listOutputs(graph, [...graph.outputs.filter((v) => !fed.has(v)), ...results]);
  const outputs = new Map(other.graph.outputs.map((v, i) => [v.name, results[i]?.name ?? v.name]));
  return { model, inputs, outputs };
}

/** A copy at an opset, without functions, its initializers constants. */
function ready(model: Model, opset: number): Model {
  const converted = model.opset('') === opset ? cloneModel(model) : convertOpset(model, opset).model;
  const copy = converted.functions.length > 0 ? inlineFunctions(converted).model : converted;
  const edit = new Editor(copy);
  if (!copy.overridableInitializers) edit.setHeader({ irVersion: 4n });
  for (const value of copy.graph.inputs.filter((v) => v.initializer !== undefined)) edit.freeze(value);
  findTypes(copy);
  return copy;
}

function importAll(edit: Editor, other: Model): void {
  const { model } = edit;
  for (const { domain, version } of other.opsetImports) {
    const own = model.opset(canonicalDomain(domain));
    if (own === undefined) edit.setHeader({ opsetImports: [...model.opsetImports, { domain, version }] });
    else if (BigInt(own) !== version)
      throw refused(`the two import ${printable(domain ?? '')} at the versions ${own} and ${version}`);
  }
  if ((other.irVersion ?? 0n) > (model.irVersion ?? 0n)) edit.setHeader({ irVersion: other.irVersion ?? 4n });
}

interface Connection {
  readonly output: Value;
  readonly input: Value;
}

function connections(first: Model, second: Model, map: ReadonlyMap<string, string>): readonly Connection[] {
  const outputs = new Map(first.graph.outputs.map((v) => [v.name, v]));
  const inputs = new Map(requiredInputs(second).map((v) => [v.name, v]));
  const [onlyOut, onlyIn] = [[...outputs.keys()], [...inputs.keys()]];
  const wanted =
    map.size > 0
      ? map
      : new Map(onlyIn.length === 1 && onlyOut.length === 1 ? [[onlyIn[0] ?? '', onlyOut[0] ?? '']] : []);
  if (wanted.size === 0)
    throw refused(
      `which outputs go to which inputs is not clear: ${onlyOut.map((n) => printable(n)).join(', ')} to ${onlyIn.map((n) => printable(n)).join(', ')}`,
      'say so with --map OUT=IN',
    );
  const wrong: string[] = [];
  const pairs = [...wanted].flatMap(([to, from]) => {
    const [output, input] = [outputs.get(from), inputs.get(to)];
    if (!output) throw new CnnxError('surgery/name', `the first model has no output ${printable(from)}`);
    if (!input) throw new CnnxError('surgery/name', `the second model has no input ${printable(to)}`);
    const [is, takes] = [output.type, second.graph.inputInfos.get(input)?.type ?? input.type];
    if (!fits(is, takes))
      wrong.push(`${printable(from)} is ${typeText(is)}, ${printable(to)} takes ${typeText(takes)}`);
    return [{ output, input }];
  });
  if (wrong.length > 0) throw refused(`the models do not fit: ${wrong.join('; ')}`);
  return pairs;
}

/** Whether one type may go where another is taken: free sizes fit any. */
function fits(is: ValueType | undefined, takes: ValueType | undefined): boolean {
  if (!isTensorType(is) || !isTensorType(takes)) return is?.kind === takes?.kind;
  if (is.dtype !== takes.dtype) return false;
  if (!is.shape || !takes.shape) return true;
  const { shape } = takes;
  if (is.shape.length !== shape.length) return false;
  return is.shape.every((d, i) => typeof d !== 'number' || typeof shape[i] !== 'number' || d === shape[i]);
}
