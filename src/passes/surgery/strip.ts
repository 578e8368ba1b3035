import { Editor, everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';

/** What `stripModel` took away. */
export interface Stripped {
  /** Declared types of inner values (value_info), which readers infer. */
  readonly valueInfos: number;
  /** Doc strings of the model, its graphs, functions, nodes, inputs and outputs. */
  readonly docStrings: number;
  /** Entries of metadata, those of graphs and nodes too. */
  readonly metadata: number;
}

/** Takes away what no runtime needs: types of inner values, doc strings and metadata (labels and preprocessing too, which `run` reads). */
export function stripModel(model: Model): Stripped {
  const edit = new Editor(model);
  const counts = { valueInfos: 0, docStrings: 0, metadata: 0 };
  const drop = (part: { readonly docString?: string | undefined; readonly metadata?: readonly unknown[] }): boolean => {
    const found = (part.docString === undefined ? 0 : 1) + (part.metadata?.length ?? 0);
    counts.docStrings += part.docString === undefined ? 0 : 1;
    counts.metadata += part.metadata?.length ?? 0;
    return found > 0;
  };
  if (drop(model)) edit.setHeader({ docString: undefined, metadata: [] });
  for (const f of model.functions) if (drop(f)) edit.clearTexts(f);
  for (const graph of everyGraph(model)) {
    if (graph.valueInfos.length > 0) {
      counts.valueInfos += graph.valueInfos.length;
      edit.setValueInfos(graph, []);
    }
    if (drop(graph)) edit.clearTexts(graph);
    for (const info of [...graph.inputInfos.values(), ...graph.outputInfos]) drop(info);
    edit.clearInfoTexts(graph);
    for (const node of graph.nodes()) if (drop(node)) edit.clearTexts(node);
  }
  return counts;
}
