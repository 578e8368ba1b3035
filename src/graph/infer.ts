import { CnnxError, type ErrorCode } from '../base/errors.js';
import type { Attr } from './attr.js';
import { Functions } from './functions.js';
import { everyGraph, graphsWithin } from './walk.js';
import { inferArgs, inferNode, intsOf, joinTypes, type KnownInts } from './infer-node.js';
import { type FunctionDef, type Graph, Model, Node, type Value } from './ir.js';
import { assign, mutable } from './mutate.js';
import type { AnyOpDef } from './op-def.js';
import type { OpRegistry } from './op-registry.js';
import { topologicalOrder } from './order.js';
import { openSize, type ValueType, withoutSizes } from './types.js';

/**
 * Calls of functions inside functions are followed this deep: no exporter nests further, and a broken file may call in
 * a circle.
 */
const MAX_CALL_DEPTH = 32;
/** Values inferred in bodies of called functions, in all: calls of calls of calls may multiply. */
const MAX_CALL_VALUES = 100_000;

/** A node whose inputs, attributes and declared outputs do not go together. */
export interface InferenceProblem {
  readonly node: Node;
  readonly value: string | undefined;
  /** `graph/declared` when only a declared shape is not what it ought to be. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface InferenceOptions {
  /** Receives the integers that values are found to hold. */
  readonly known?: KnownInts | undefined;
  /** What values are taken to be, whatever the file declares: inputs of one size, or what is proven of others. */
  readonly values?: ReadonlyMap<Value, ValueType> | undefined;
  /**
   * Sizes are those that the main graph's inputs have and what operators make of them, and nothing else: what a file
   * declares of inner values, of outputs and of the inputs of subgraphs is a claim, and only its element types count.
   * Sizes that operators leave open get names (`isOpenSize`), so that values which share one are known to.
   */
  readonly computedOnly?: boolean | undefined;
  /** Called with each node of the main graph before its outputs are inferred: it may change the node's inputs, and put nodes before it. */
  readonly before?: ((node: Node) => void) | undefined;
}

/**
 * Gives every value the type that the file declares, joined with what the declarations in `registry` infer, through
 * subgraphs and calls of the model's functions. Types found by an earlier run, or by edits, are found anew.
 * Contradictions do not stop it: they are returned; of two shapes the inferred one counts, of two element types the
 * declared one. Does not count as an edit. Time is linear in the size of the model.
 */
export function inferShapes(
  model: Model,
  registry: OpRegistry,
  options: InferenceOptions = {},
): readonly InferenceProblem[] {
  const inference = new Inference(model, registry, options);
  for (const graph of everyGraph(model)) resetTypes(graph, options.computedOnly);
  for (const [value, type] of options.values ?? []) mutable(value).type = type;
  inference.graph(model.graph);
  return inference.problems;
}

/** The result of `work`, which may infer types but not edit; afterwards values have the types that they had before. */
export function withTypesKept<T>(model: Model, work: () => T): T {
  const values = everyGraph(model).flatMap((graph) => [...graph.values.values()]);
  const types = values.map((v) => v.type);
  try {
    return work();
  } finally {
    for (const [i, value] of values.entries()) mutable(value).type = types[i];
  }
}

/** Back to what the file itself says of a graph's values; with `computedOnly` without the sizes of what nodes make. */
function resetTypes(graph: Graph, computedOnly = false): void {
  for (const value of graph.values.values()) {
    const data = value.initializer ?? value.sparseInitializer;
    mutable(value).type = undefined;
    if (!data) continue;
    mutable(value).type =
      'dtype' in data
        ? { kind: 'tensor', dtype: data.dtype, shape: data.shape }
        : { kind: 'tensor', dtype: data.values.dtype, shape: data.dims };
  }
  const declare = (value: Value | undefined, type: ValueType | undefined, sizes = !computedOnly): void => {
    if (value?.graph === graph && !value.initializer && type) mutable(value).type = sizes ? type : withoutSizes(type);
  };
  for (const info of graph.valueInfos) declare(graph.values.get(info.name), info.type);
  graph.outputs.forEach((value, i) => declare(value, graph.outputInfos[i]?.type));
  const isMain = graph.owner instanceof Model;
  for (const [value, info] of graph.inputInfos) {
    declare(value, info.type, !computedOnly || isMain);
    // What overrides a default may have any size that the input allows.
    if (computedOnly && isMain && value.initializer && graph.model.overridableInitializers && info.type)
      mutable(value).type = info.type;
  }
}

type Attributes = ReadonlyMap<string, Attr>;
const noAttributes: Attributes = new Map();

class Inference {
  readonly problems: InferenceProblem[] = [];
  readonly #functions: Functions;
  readonly #computedOnly: boolean;
  readonly #before: ((node: Node) => void) | undefined;
  #openSizes = 0;
  #known: KnownInts;
  /** Those of the function call that is being followed; they stand for `ref` attributes in its body. */
  #attributes: Attributes = noAttributes;
  #callDepth = 0;
  #callValues = 0;

  constructor(
    model: Model,
    readonly registry: OpRegistry,
    { known = new WeakMap(), computedOnly = false, before }: InferenceOptions,
  ) {
    this.#before = before;
    this.#known = known;
    this.#computedOnly = computedOnly;
    this.#functions = new Functions(model);
  }

  graph(graph: Graph): void {
    for (const node of topologicalOrder(graph)) this.#try(node, () => this.#node(node));
  }

  #try(node: Node, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CnnxError)) throw error;
      this.problems.push({ node, value: error.at.value, code: error.code, message: error.message, hint: error.hint });
    }
  }

  #node(node: Node): void {
    if (node.graph.owner instanceof Model) this.#before?.(node);
    const called = this.#functions.called(node);
    if (called) {
      this.#call(node, called);
      return;
    }
    const shown = this.#resolved(node);
    const op = this.registry.of(shown);
    for (const sub of shown.subgraphs) this.#enter(shown, op, sub);
    if (op) inferNode(shown, op, this.#known, this.#computedOnly ? () => openSize(this.#openSizes++) : undefined);
  }

  #enter(node: Node, op: AnyOpDef | undefined, sub: Graph): void {
    const entries = op?.enter?.(inferArgs(node, op, this.#known));
    const types = entries?.find((e) => e.graph === sub)?.inputs ?? [];
    sub.inputs.forEach((value, i) => {
      this.#try(node, () => {
        mutable(value).type = joinTypes(value.type, types[i], value, node);
      });
    });
    this.graph(sub);
  }

  /** The node itself, or outside the graph one like it whose attributes refer to nothing. */
  #resolved(node: Node): Node {
    if (this.#callDepth === 0 || !Array.from(node.attrs.values()).some((a) => a.kind === 'ref')) return node;
    const shown = new Node(node.graph, node.opType);
    const attrs = new Map<string, Attr>();
    for (const [name, attr] of node.attrs) {
      const given = attr.kind === 'ref' ? this.#attributes.get(attr.ref) : attr;
      if (given) attrs.set(name, given);
    }
    const { name, declaredDomain, inputs, outputs } = node;
    return assign(shown, { name, declaredDomain, inputs, outputs, attrs });
  }

  #call(node: Node, f: FunctionDef): void {
    if (this.#callDepth >= MAX_CALL_DEPTH || this.#callValues >= MAX_CALL_VALUES) return;
    this.#callValues += 1 + f.body.values.size;
    const [outerKnown, outerAttributes] = [this.#known, this.#attributes];
    const attributes = new Map(f.attributeDefaults.map((a) => [a.name, a]));
    for (const a of this.#resolved(node).attrs.values()) attributes.set(a.name, a);
    for (const graph of graphsWithin([f.body])) resetTypes(graph, this.#computedOnly);
    const known: KnownInts = new WeakMap();
    f.body.inputs.forEach((value, i) => {
      const given = node.inputs[i];
      if (given) mutable(value).type = given.type;
      const ints = intsOf(given, outerKnown);
      if (ints) known.set(value, ints);
    });
    [this.#known, this.#attributes] = [known, attributes];
    this.#callDepth += 1;
    try {
      this.graph(f.body);
    } finally {
      [this.#known, this.#attributes] = [outerKnown, outerAttributes];
      this.#callDepth -= 1;
    }
    const results = f.body.outputs.map((value) => ({ type: value.type, ints: intsOf(value, known) }));
    // What holds for this call need not hold for the next.
    for (const graph of graphsWithin([f.body])) resetTypes(graph, this.#computedOnly);
    node.outputs.forEach((value, i) => {
      if (!value) return;
      const result = results[i];
      if (result?.ints) this.#known.set(value, result.ints);
      mutable(value).type = joinTypes(value.type, result?.type, value, node);
    });
  }
}
