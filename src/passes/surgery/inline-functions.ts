import { CnnxError } from '../../base/errors.js';
import { cloneModel } from '../../graph/clone.js';
import { Editor } from '../../graph/edit.js';
import { Functions } from '../../graph/functions.js';
import type { Model } from '../../graph/ir.js';
import { nodeLabel } from '../../graph/order.js';
import { graphsWithin } from '../../graph/walk.js';
import { inlineFunctions as inlineCalls } from '../inline-functions.js';
import { convertOpset } from '../opset/convert.js';

/**
 * A model whose calls of its own functions are the functions' nodes instead; the one given stays as it is. A function
 * that imports another version of ONNX's operators is converted first. Throws `surgery/refused` for calls that cannot
 * be written out (functions that call themselves, or import another domain at another version than the model), and
 * `opset/refused`.
 */
export function inlineFunctions(model: Model): { readonly model: Model; readonly calls: number } {
  const opset = model.opset('');
  const differ = model.functions.some((f) => f.opset('') !== undefined && f.opset('') !== opset);
  const copy = differ && opset !== undefined ? convertOpset(model, opset).model : cloneModel(model);
  const edit = new Editor(copy);
  const calls = inlineCalls(copy, edit);
  const functions = new Functions(copy);
  for (const graph of graphsWithin([copy.graph]))
    for (const node of graph.nodes())
      if (functions.called(node))
        throw new CnnxError('surgery/refused', `the call ${nodeLabel(node)} cannot be written out`, {
          at: { node: node.name },
          hint: 'its function calls itself, is given a graph, or imports another version of a domain than the model',
        });
  edit.listFunctions([]);
  return { model: copy, calls };
}
