import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { cloneModel } from '../../graph/clone.js';
import { copyInto } from '../../graph/copy-into.js';
import { Editor } from '../../graph/edit.js';
import { Functions } from '../../graph/functions.js';
import { type Attr, canonicalDomain, type FunctionDef, type Model, type Node, type Value } from '../../graph/ir.js';
import { nodeLabel } from '../../graph/order.js';
import { graphsWithin } from '../../graph/walk.js';
import { Identity } from '../../ops/index.js';
import { convertOpset } from '../opset/convert.js';

/** Calls within calls are followed this deep; deeper ones call themselves. */
const MAX_DEPTH = 32;

/**
 * A model whose calls of its own functions are the functions' nodes instead; the one given stays as it is. A function that imports another version of
 * ONNX's operators is converted first. Throws `surgery/refused` for functions that call themselves, or import another domain at another version than
 * the model, and `opset/refused`.
 */
export function inlineFunctions(model: Model): { readonly model: Model; readonly calls: number } {
  const opset = model.opset('');
  const differ = model.functions.some((f) => f.opset('') !== undefined && f.opset('') !== opset);
  const copy = differ && opset !== undefined ? convertOpset(model, opset).model : cloneModel(model);
  const edit = new Editor(copy);
  const functions = new Functions(copy);
  for (const f of copy.functions) importAll(edit, f);
  let calls = 0;
  for (let depth = 0; ; depth++) {
    const found = graphsWithin([copy.graph]).flatMap((graph) =>
      [...graph.nodes()].flatMap((node) => {
        const called = functions.called(node);
        return called ? [[node, called] as const] : [];
      }),
    );
    if (found.length === 0) break;
    if (depth === MAX_DEPTH)
      throw new CnnxError('surgery/refused', `the function ${printable(found[0]?.[1].name ?? '')} calls itself`);
    for (const [node, called] of found) inline(edit, node, called);
    calls += found.length;
  }
  edit.dropFunctions();
  return { model: copy, calls };
}

/** What a function imports, the model does too. */
function importAll(edit: Editor, f: FunctionDef): void {
  const { model } = edit;
  for (const { domain, version } of f.opsetImports) {
    const own = model.opset(canonicalDomain(domain));
    if (own === undefined) edit.setHeader({ opsetImports: [...model.opsetImports, { domain, version }] });
    else if (BigInt(own) !== version)
      throw new CnnxError(
        'surgery/refused',
        `the function ${printable(f.name ?? '')} imports ${printable(domain ?? '')} at version ${version}, the model at ${own}`,
      );
  }
}

function inline(edit: Editor, call: Node, { body, attributeDefaults }: FunctionDef): void {
  const given = new Map<string, Attr>(attributeDefaults.map((a) => [a.name, a]));
  for (const a of call.attrs.values()) given.set(a.name, a);
  const bound = new Map<Value, Value | undefined>(body.inputs.map((v, i) => [v, call.inputs[i]]));
  const results = call.outputs;
  // A result that a node of the body makes is the call's own value; one that is an input, or listed before, is passed on.
  const passed: (readonly [from: Value, to: Value])[] = [];
  body.outputs.forEach((value, i) => {
    const result = results[i];
    if (!result) return;
    if (value.producer && !bound.has(value)) bound.set(value, result);
    else passed.push([value, result]);
  });
  edit.releaseOutputs(call);
  const values = copyInto(edit, call.graph, body, {
    bound,
    before: call,
    attr: (a) => {
      if (a.kind !== 'ref') return a;
      const value = given.get(a.ref);
      return value && { ...value, name: a.name };
    },
  });
  for (const [from, to] of passed) {
    const x = values.get(from);
    if (!x) throw new CnnxError('surgery/refused', `${nodeLabel(call)} passes on an input that it is not given`);
    edit.addMaking(call.graph, Identity, { x }, [to], call);
  }
  edit.remove(call);
}
