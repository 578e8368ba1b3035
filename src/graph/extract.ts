import { graphsOf } from './attr.js';
import { Model, Node, type Value } from './ir.js';
import { assign, defineValue, linkNode, mutable, setAttrs, setGraphOutputs, setInputs, setOutputs } from './mutate.js';
import type { Tensor } from '../tensor/tensor.js';

export interface Extract {
  readonly model: Model;
  /** The extract's name for each of the values that were asked for. */
  readonly names: ReadonlyMap<Value, string>;
  /** All values of the extract, by those that they are copies of. */
  readonly copies: ReadonlyMap<Value, Value>;
}

/** Initializers that callers cannot change need no input beside them from this IR version on. */
const FIRST_IR = 4n;

/**
 * A model without inputs that computes `outputs` by copies of `nodes`, which must be in topological order and hold no
 * graphs; what else they read, `constantOf` gives. It imports the opsets of the model that the nodes are from. Names
 * are new ones: nodes may come from several graphs.
 */
export function extractModel(
  nodes: readonly Node[],
  outputs: readonly Value[],
  constantOf: (value: Value) => Tensor,
): Extract {
  const model = new Model();
  const { graph } = model;
  const from = nodes[0]?.graph.root;
  const irVersion = nodes[0]?.graph.model.irVersion ?? FIRST_IR;
  assign(model, {
    irVersion: irVersion < FIRST_IR ? FIRST_IR : irVersion,
    opsetImports: from?.opsetImports ?? [],
  });
  mutable(graph).name = 'extract';
  const copies = new Map<Value, Value>();
  const copyOf = (value: Value): Value => {
    const known = copies.get(value);
    if (known) return known;
    const copy = defineValue(graph, `v${copies.size}`);
    copies.set(value, copy);
    return copy;
  };
  const input = (value: Value): Value => {
    const known = copies.get(value);
    if (known) return known;
    const copy = copyOf(value);
    mutable(copy).initializer = constantOf(value);
    mutable(graph).initializers.add(copy);
    return copy;
  };
  for (const node of nodes) {
    if (Array.from(node.attrs.values()).some((a) => graphsOf(a).length > 0))
      throw new Error(`bug: ${node.opType} holds graphs and cannot be extracted`);
    const copy = new Node(graph, node.opType);
    const { declaredDomain, overload } = node;
    assign(copy, { declaredDomain, overload });
    setAttrs(copy, node.attrs.values());
    setInputs(
      copy,
      node.inputs.map((v) => v && input(v)),
    );
    setOutputs(
      copy,
      node.outputs.map((v) => v && copyOf(v)),
    );
    linkNode(copy);
  }
  const results = outputs.map(copyOf);
  setGraphOutputs(graph, results);
  mutable(graph).outputInfos = results.map((copy, i) => ({ name: copy.name, type: outputs[i]?.type }));
  return { model, copies, names: new Map(outputs.map((v) => [v, copyOf(v).name])) };
}
