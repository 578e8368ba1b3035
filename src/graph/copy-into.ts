import type { Editor } from './edit.js';
import { type Attr, Graph, Node, type Value, type ValueInfo } from './ir.js';
import {
  assign,
  defineValue,
  linkNode,
  mutable,
  setAttrs,
  setGraphInputs,
  setGraphOutputs,
  setInputs,
  setOutputs,
} from './mutate.js';

export interface CopyIntoOptions {
  /** Values of the copied graph that are values of the other already, or nothing. */
  readonly bound: ReadonlyMap<Value, Value | undefined>;
  /** Where in the order the copies stand; last if absent. */
  readonly before?: Node | undefined;
}

/**
 * Copies the nodes of `source`, with the graphs inside them, and its initializers into `target`, another graph. Names that are taken get a number.
 * Gives what each value of `source` is there. Weights and attributes without graphs are shared. Linear time.
 */
export function copyInto(
  edit: Editor,
  target: Graph,
  source: Graph,
  { bound, before }: CopyIntoOptions,
): ReadonlyMap<Value, Value | undefined> {
  const values = new Map(bound);
  const pending: (readonly [from: Graph, to: Graph])[] = [[source, target]];
  const at = (value: Value | undefined): Value | undefined => value && values.get(value);

  const copyAttr = (attr: Attr, owner: Node): Attr => {
    if (attr.kind === 'graph') return { name: attr.name, kind: 'graph', value: inner(attr.value, owner) };
    if (attr.kind === 'graphs')
      return { name: attr.name, kind: 'graphs', values: attr.values.map((g) => inner(g, owner)) };
    return attr;
  };
  const inner = (from: Graph, owner: Node): Graph => {
    const to = new Graph(owner);
    pending.push([from, to]);
    return to;
  };

  for (let next = pending.shift(); next; next = pending.shift()) {
    const [from, to] = next;
    for (const value of from.values.values()) if (!values.has(value)) values.set(value, copyValue(edit, value, to));
    for (const node of from.nodes()) {
      const copy = new Node(to, node.opType);
      const { declaredDomain, overload, docString, metadata } = node;
      const name = node.name === undefined ? undefined : edit.freshNodeName(node.name);
      assign(copy, { name, declaredDomain, overload, docString, metadata });
      setInputs(copy, node.inputs.map(at));
      setOutputs(copy, node.outputs.map(at));
      setAttrs(
        copy,
        Array.from(node.attrs.values(), (a) => copyAttr(a, copy)),
      );
      linkNode(copy, to === target ? before : undefined);
    }
    if (to !== target) copyInterface(from, to, values);
  }
  edit.touchGraph(target);
  return values;
}

function copyValue(edit: Editor, value: Value, to: Graph): Value {
  const copy = defineValue(to, edit.freshName(value.name));
  const { type, initializer, sparseInitializer } = value;
  assign(copy, { type, initializer, sparseInitializer });
  if (initializer) mutable(to).initializers.add(copy);
  if (sparseInitializer) mutable(to).sparseInitializers.add(copy);
  return copy;
}

/** Inputs and outputs of a graph inside a node, under the names that they have now. */
function copyInterface(from: Graph, to: Graph, values: ReadonlyMap<Value, Value | undefined>): void {
  const there = (list: readonly Value[]): Value[] => list.flatMap((v) => values.get(v) ?? []);
  const named = (value: Value, info: ValueInfo | undefined): ValueInfo => ({
    ...(info ?? { type: value.type }),
    name: value.name,
  });
  assign(to, { name: from.name, docString: from.docString, metadata: from.metadata });
  setGraphInputs(to, there(from.inputs));
  mutable(to).inputInfos = new Map(
    from.inputs.flatMap((v) => {
      const copy = values.get(v);
      return copy ? [[copy, named(copy, from.inputInfos.get(v))] as const] : [];
    }),
  );
  const outputs = there(from.outputs);
  setGraphOutputs(to, outputs);
  mutable(to).outputInfos = outputs.map((v, i) => named(v, from.outputInfos[i]));
}
