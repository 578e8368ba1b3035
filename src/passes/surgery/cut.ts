import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { cloneModel } from '../../graph/clone.js';
import { Editor } from '../../graph/edit.js';
import { constantTensor, type Model, type Value } from '../../graph/ir.js';
import { isTensorType } from '../../graph/types.js';
import { removeDeadCode } from '../dead-code.js';
import { findTypes } from '../types.js';
import { valuesNamed } from './find.js';

/** Where a part of a model begins and ends: names of values of its main graph. */
export interface Cut {
  /** These become inputs; what made them goes. The model's own inputs stay where something still needs them. */
  readonly from?: readonly string[] | undefined;
  /** These become the outputs, instead of the model's own. */
  readonly to?: readonly string[] | undefined;
}

/**
 * A part of a model, as a model of its own; the one given stays as it is. Weights and nodes are shared with it, and written from the bytes of the
 * file. Throws `surgery/name` for a value that is not there, and `surgery/refused` where no such part is: a beginning that no end needs, is a
 * constant, or has an unknown element type, an end that is an input.
 */
export function cutModel(model: Model, { from = [], to = [] }: Cut): Model {
  const copy = cloneModel(model);
  findTypes(copy);
  const edit = new Editor(copy);
  const { graph } = copy;
  const starts = valuesNamed(copy, from);
  const ends = to.length > 0 ? valuesNamed(copy, to) : [...graph.outputs];
  checkEnds(starts, ends);
  edit.listOutputs(graph, ends);
  const inputs = starts.map((start) => asInput(edit, start));
  removeDeadCode(copy, edit);
  for (const input of inputs)
    if (input.uses.size === 0)
      throw refused(`${printable(input.name)} is not needed for ${ends.map((v) => printable(v.name)).join(', ')}`);
  for (const input of graph.inputs) if (input.uses.size === 0 && input.outputCount === 0) edit.removeUnused(input);
  return copy;
}

const refused = (message: string): CnnxError => new CnnxError('surgery/refused', message);

function checkEnds(starts: readonly Value[], ends: readonly Value[]): void {
  for (const start of starts) {
    if (constantTensor(start)) throw refused(`${printable(start.name)} is a constant, and cannot become an input`);
    if (!isTensorType(start.type) || start.type.dtype === 'undefined')
      throw refused(`the element type of ${printable(start.name)} is not known, and an input has one`);
    if (ends.includes(start)) throw refused(`${printable(start.name)} would be an input and an output`);
  }
  for (const end of ends)
    if (end.isInput) throw refused(`${printable(end.name)} is an input of the model, and makes no output`);
}

/** An input in the place of a value that a node makes, under its name. */
function asInput(edit: Editor, value: Value): Value {
  if (value.isInput) return value;
  if (value.outputCount > 0)
    throw refused(`${printable(value.name)} is an output of a graph inside a node, and cannot become an input`);
  const { graph, name, type } = value;
  edit.rename(value, edit.freshName(`${name}_cut`));
  const input = edit.addInput(graph, name, type ?? { kind: 'opaque' });
  edit.replaceUses(value, input);
  return input;
}

/** Lists inner values as outputs too, after those that there are. Throws `surgery/name` for a value that is not there. */
export function exposeValues(model: Model, names: readonly string[]): void {
  findTypes(model);
  const edit = new Editor(model);
  const { graph } = model;
  for (const value of valuesNamed(model, names)) {
    if (value.isInput) throw refused(`${printable(value.name)} is an input of the model, and makes no output`);
    if (!graph.outputs.includes(value)) edit.addOutput(graph, value);
  }
}
