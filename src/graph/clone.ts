import { type Attr, graphsOf, type Span } from './attr.js';
import { FunctionDef, Graph, Model, Node, type Value } from './ir.js';
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

/**
 * A model of its own with the same contents: editing one does not change the other. Tensors, types and attributes
 * without graphs are shared, being immutable; spans and preserved fields are kept, so that what nobody edits is still
 * written byte for byte. Linear time.
 */
export function cloneModel(model: Model): Model {
  return new Cloner().model(model);
}

/** A graph of `owner` with the contents of a function's body, in which `attributes` stand for the references to them. Nothing is shared with the function. */
export function bodyOf(f: FunctionDef, owner: Node, attributes: ReadonlyMap<string, Attr>): Graph {
  return new Cloner(attributes).body(f, owner);
}

class Cloner {
  readonly #values = new Map<Value, Value>();
  readonly #graphs = new Map<Graph, Graph>();
  /** Graphs inside attributes that are still to be filled, their outer graphs first. */
  readonly #pending: Graph[] = [];

  constructor(
    /** Those that a call of a function gives; references to others are left out. Absent: references stay. */
    private readonly given?: ReadonlyMap<string, Attr>,
  ) {}

  body(from: FunctionDef, owner: Node): Graph {
    const to = new Graph(owner);
    this.graph(from.body, to);
    return to;
  }

  model(from: Model): Model {
    const to = new Model();
    const { graph: _, functions, ...fields } = from;
    assign(to, fields);
    mutable(to).functions = functions.map((f) => this.function(f, to));
    this.graph(from.graph, to.graph);
    return to;
  }

  private function(from: FunctionDef, model: Model): FunctionDef {
    const to = new FunctionDef(model);
    const { body, model: _, ...fields } = from;
    assign(to, fields);
    const holder = new Node(to.body, '');
    this.graph(body, to.body, () => {
      mutable(to).attributeDefaults = from.attributeDefaults.map((a) => this.attr(a, holder));
    });
    return to;
  }

  /** A graph and all inside it: breadth first, so that a captured value is there before it is used. */
  private graph(from: Graph, to: Graph, alsoInside: () => void = () => {}): void {
    this.#graphs.set(from, to);
    this.#pending.push(from);
    alsoInside();
    for (let i = 0; i < this.#pending.length; i++) {
      const graph = this.#pending[i];
      const copy = graph && this.#graphs.get(graph);
      if (graph && copy) this.fill(graph, copy);
    }
    this.#pending.length = 0;
  }

  private fill(from: Graph, to: Graph): void {
    const { name, docString, metadata, outputInfos, preserved } = from;
    assign(to, { name, docString, metadata, outputInfos, span: this.span(from), preserved });
    to.lists.setInfos(from.valueInfos);
    for (const value of from.values.values()) this.value(value);
    setGraphInputs(
      to,
      from.inputs.map((v) => this.value(v)),
    );
    mutable(to).inputInfos = new Map(Array.from(from.inputInfos, ([v, info]) => [this.value(v), info]));
    mutable(to).initializers = new Set(Array.from(from.initializers, (v) => this.value(v)));
    mutable(to).sparseInitializers = new Set(Array.from(from.sparseInitializers, (v) => this.value(v)));
    for (const node of from.nodes()) linkNode(this.node(node, to));
    setGraphOutputs(
      to,
      from.outputs.map((v) => this.value(v)),
    );
  }

  private node(from: Node, graph: Graph): Node {
    const to = new Node(graph, from.opType);
    const { name, declaredDomain, overload, docString, metadata, preserved } = from;
    assign(to, { name, declaredDomain, overload, docString, metadata, span: this.span(from), preserved });
    setOutputs(
      to,
      from.outputs.map((v) => v && this.value(v)),
    );
    setInputs(
      to,
      from.inputs.map((v) => v && this.value(v)),
    );
    setAttrs(
      to,
      Array.from(from.attrs.values())
        .flatMap((a) => this.resolved(a) ?? [])
        .map((a) => this.attr(a, to)),
    );
    return to;
  }

  /** What attributes were put into is written anew. */
  private span(from: Graph | Node): Span | undefined {
    return this.given ? undefined : from.span;
  }

  private resolved(attr: Attr): Attr | undefined {
    if (!this.given || attr.kind !== 'ref') return attr;
    const given = this.given.get(attr.ref);
    return given && { ...given, name: attr.name };
  }

  private attr(attr: Attr, owner: Node): Attr {
    if (graphsOf(attr).length === 0) return attr;
    if (attr.kind === 'graph') return { ...attr, value: this.subgraph(attr.value, owner) };
    return attr.kind === 'graphs' ? { ...attr, values: attr.values.map((g) => this.subgraph(g, owner)) } : attr;
  }

  private subgraph(from: Graph, owner: Node): Graph {
    const to = new Graph(owner);
    this.#graphs.set(from, to);
    this.#pending.push(from);
    return to;
  }

  private value(from: Value): Value {
    const known = this.#values.get(from);
    if (known) return known;
    const graph = this.#graphs.get(from.graph);
    if (!graph) throw new Error(`bug: ${from.name} is used outside the graph that defines it`);
    const to = defineValue(graph, from.name);
    const { type, initializer, sparseInitializer } = from;
    assign(to, { type, initializer, sparseInitializer });
    this.#values.set(from, to);
    return to;
  }
}
