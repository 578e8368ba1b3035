import { printable } from '../base/text.js';
import { everyGraph } from '../graph/edit.js';
import type { Model, ValueInfo } from '../graph/ir.js';
import { type Dim, isOpenSize, isTensorType, typeText, type ValueType } from '../graph/types.js';

/**
 * What a file declares of inner values and outputs, and what is computed says otherwise: "e is declared as float32[1,1,4]; computed: float32[N,1,4]". For
 * models whose types `findTypes` has just found.
 */
export function staleDeclarations(model: Model): readonly string[] {
  const notes = new Set<string>();
  for (const graph of everyGraph(model)) {
    if (graph.root !== model) continue;
    const note = (name: string, computed: ValueType | undefined, info: ValueInfo | undefined): void => {
      if (info && disagree(info.type, computed))
        notes.add(`${printable(name)} is declared as ${typeText(info.type)}; computed: ${typeText(computed)}`);
    };
    for (const info of graph.valueInfos) note(info.name, graph.values.get(info.name)?.type, info);
    graph.outputs.forEach((value, i) => note(value.name, value.type, graph.outputInfos[i]));
  }
  return [...notes];
}

function disagree(declared: ValueType | undefined, computed: ValueType | undefined): boolean {
  if (!isTensorType(declared) || !isTensorType(computed) || !declared.shape || !computed.shape) return false;
  const { shape } = computed;
  return declared.shape.length !== shape.length || declared.shape.some((d, i) => differ(d, shape[i]));
}

/** A number is wrong of another number, and of a size that the inputs leave open. A name may stand for any number. */
const differ = (declared: Dim, computed: Dim): boolean =>
  typeof declared === 'number' && computed !== undefined && !isOpenSize(computed) && declared !== computed;
