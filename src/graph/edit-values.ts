import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import type { MetadataEntry } from './attr.js';
import { FreshNames } from './fresh-names.js';
import {
  canonicalDomain,
  FunctionDef,
  type Graph,
  Model,
  Node,
  type OpsetImport,
  type Value,
  type ValueInfo,
} from './ir.js';
import {
  assign,
  appendGraphInput,
  defineValue,
  dropGraphInput,
  forgetValue,
  mutable,
  releaseGraphs,
  renameValue,
  setGraphOutputs,
} from './mutate.js';
import { outerNamed, scopeNames } from './scope-names.js';
import type { ValueType } from './types.js';
import { everyGraph, everyNode, graphsWithin, namesOf } from './walk.js';

/** The half of `Editor` that makes, declares and names values, and keeps account of what was touched. */
export class ValueEditor {
  /** Grows with every edit. */
  revision = 0;
  #names: FreshNames | undefined;
  #nodeNames: FreshNames | undefined;

  constructor(
    readonly model: Model,
    /** Hears of every node that was made, or whose inputs changed. */
    readonly onTouch: (node: Node) => void = () => {},
  ) {}

  // --- whole models
  // -------------------------------------------------------------------------------------------------------------

  setHeader(header: {
    irVersion?: bigint;
    producerName?: string;
    producerVersion?: string;
    docString?: string | undefined;
    metadata?: readonly MetadataEntry[];
    opsetImports?: readonly OpsetImport[];
  }): void {
    assign(this.model, header);
    mutable(this.model).span = undefined;
  }

  /** Lets a model, or a function, import another version of ONNX's own operators. Its nodes stay as they are. */
  setOpset(root: Model | FunctionDef, version: number): void {
    const opsetImports = root.opsetImports.map((i) =>
      canonicalDomain(i.domain) === '' ? { domain: i.domain, version: BigInt(version) } : i,
    );
    assign(root, { opsetImports });
    for (const graph of graphsWithin([root instanceof Model ? root.graph : root.body])) Node.forgetDeclarations(graph);
    mutable(root).span = undefined;
    mutable(this.model).span = undefined;
    this.revision += 1;
  }

  /** Lets a model have these functions and no others. */
  listFunctions(functions: readonly FunctionDef[]): void {
    mutable(this.model).functions = functions;
    mutable(this.model).span = undefined;
    this.revision += 1;
  }

  nameGraph(graph: Graph, name: string): void {
    mutable(graph).name = name;
    this.touchGraph(graph);
  }

  nameNode(node: Node, name: string): void {
    assign(node, { name });
    this.touchQuietly(node);
  }

  /** Takes the doc string and the metadata off a graph, a function or a node. */
  clearTexts(part: Graph | FunctionDef | Node): void {
    assign(part, { docString: undefined, metadata: [] });
    if (part instanceof Node) this.touchQuietly(part);
    else this.touchGraph(part instanceof FunctionDef ? part.body : part);
  }

  /** Takes doc strings and metadata off what a graph declares of its inputs and outputs. */
  clearInfoTexts(graph: Graph): void {
    const bare = (info: ValueInfo): ValueInfo =>
      info.docString === undefined && !info.metadata?.length ? info : { ...info, docString: undefined, metadata: [] };
    const infos = Array.from(graph.inputInfos, ([value, info]) => [value, bare(info)] as const);
    const outputInfos = graph.outputInfos.map(bare);
    const same =
      infos.every(([v, info]) => graph.inputInfos.get(v) === info) &&
      outputInfos.every((o, i) => o === graph.outputInfos[i]);
    if (same) return;
    assign(graph, { inputInfos: new Map(infos), outputInfos });
    this.touchGraph(graph);
  }

  // --- values
  // -------------------------------------------------------------------------------------------------------------------

  /** Throws `graph/duplicate-name` when the name is not free: see `isFree`. */
  addInput(graph: Graph, name: string, type: ValueType): Value {
    const value = this.define(graph, name);
    mutable(value).type = type;
    appendGraphInput(graph, value);
    mutable(graph).inputInfos.set(value, { name, type });
    this.touchGraph(graph);
    return value;
  }

  addOutput(graph: Graph, value: Value): void {
    setGraphOutputs(graph, [...graph.outputs, value]);
    mutable(graph).outputInfos = [...graph.outputInfos, { name: value.name, type: value.type }];
    this.touchGraph(graph);
  }

  /** Lets a graph give these values and no others. Those that it gives already keep what the file says of them. */
  listOutputs(graph: Graph, values: readonly Value[]): void {
    const infos = new Map(graph.outputs.map((v, i) => [v, graph.outputInfos[i]]));
    setGraphOutputs(graph, values);
    mutable(graph).outputInfos = values.map((v) => infos.get(v) ?? { name: v.name, type: v.type });
    this.touchGraph(graph);
  }

  /**
   * A new initializer under exactly this name. Throws `graph/duplicate-name`. Below IR version 4 it is listed as an
   * input too, as that version asks.
   */
  addInitializer(graph: Graph, name: string, data: Tensor): Value {
    const value = this.define(graph, name);
    this.initialize(value, data);
    return value;
  }

  protected initialize(value: Value, data: Tensor): void {
    const { graph, name } = value;
    mutable(value).initializer = data;
    mutable(value).type = { kind: 'tensor', dtype: data.dtype, shape: data.shape };
    mutable(graph).initializers.add(value);
    if (!this.model.overridableInitializers && graph.root instanceof Model && !graph.parent) {
      appendGraphInput(graph, value);
      mutable(graph).inputInfos.set(value, { name, type: value.type });
    }
    this.touchGraph(graph);
  }

  /**
   * A new initializer named `hint`, or `hint` and a number if that is taken. Below IR version 4 a subgraph has none: it
   * is one of the model's graph. In a function's body, which can have none either, use a node.
   */
  constant(graph: Graph, data: Tensor, hint: string): Value {
    const holder = graph.root instanceof Model && !this.model.overridableInitializers ? this.model.graph : graph;
    return this.addInitializer(holder, this.freshName(hint), data);
  }

  /** Swaps the data of an initializer; every user sees it. */
  setInitializer(value: Value, data: Tensor): void {
    mutable(value).initializer = data;
    mutable(value).type = { kind: 'tensor', dtype: data.dtype, shape: data.shape };
    const info = value.graph.inputInfos.get(value);
    if (info) mutable(value.graph).inputInfos.set(value, { ...info, type: value.type });
    this.touchGraph(value.graph);
    for (const node of value.uses.keys()) this.onTouch(node);
  }

  /** Records what was found out about a value. Not an edit of the file. */
  setType(value: Value, type: ValueType | undefined): void {
    mutable(value).type = type;
  }

  /** Records that a kernel writes into a value while the model runs. Not an edit of the file. */
  markOverwritten(value: Value): void {
    mutable(value).isOverwritten = true;
  }

  /** Changes what the file declares of a graph input or output. */
  declare(graph: Graph, value: Value, type: ValueType): void {
    mutable(value).type = type;
    const swap = (info: ValueInfo): ValueInfo => (info.name === value.name ? { ...info, type } : info);
    const input = graph.inputInfos.get(value);
    if (input) mutable(graph).inputInfos.set(value, swap(input));
    mutable(graph).outputInfos = graph.outputInfos.map(swap);
    graph.lists.setInfos(graph.valueInfos.map(swap));
    this.touchGraph(graph);
  }

  /** Replaces the declared types of inner values (value_info) as a whole. */
  setValueInfos(graph: Graph, infos: readonly ValueInfo[]): void {
    graph.lists.setInfos(infos);
    this.touchGraph(graph);
  }

  /** Lists every initializer of the main graph among its inputs, as IR versions below 4 ask. */
  listInitializers(): void {
    const { graph } = this.model;
    for (const value of graph.initializers) {
      if (value.isInput) continue;
      appendGraphInput(graph, value);
      mutable(graph).inputInfos.set(value, { name: value.name, type: value.type });
    }
    this.touchGraph(graph);
  }

  /** Takes an initializer off the graph's inputs: callers can no longer override it. */
  freeze(value: Value): void {
    dropGraphInput(value);
    mutable(value.graph).inputInfos.delete(value);
    this.touchGraph(value.graph);
    for (const node of value.uses.keys()) this.onTouch(node);
  }

  /**
   * Whether a value of `graph` may have a name: no other in this graph, in those around it and in those inside it does.
   */
  isFree(graph: Graph, name: string): boolean {
    return scopeNames(this.model).isFree(graph, name);
  }

  /** Graphs that came into the model with a node. */
  protected adopt(graphs: readonly Graph[]): void {
    if (graphs.length > 0) scopeNames(this.model).addGraphs(graphsWithin(graphs));
  }

  /** Graphs that go, with all that they used. Gives the values that lost a use. */
  protected release(graphs: readonly Graph[]): Set<Value> {
    if (graphs.length > 0) scopeNames(this.model).removeGraphs(graphsWithin(graphs));
    return releaseGraphs(graphs);
  }

  /** A name that no value of the model has, in any graph: `hint` itself if it is free. */
  freshName(hint: string): string {
    this.#names ??= new FreshNames(namesOf(this.model));
    let name = this.#names.take(hint);
    // Whatever another editor has named since.
    while (!this.isFree(this.model.graph, name)) name = this.#names.take(hint);
    return name;
  }

  freshNodeName(hint: string): string {
    this.#nodeNames ??= new FreshNames(everyNode(this.model).flatMap((n) => n.name ?? []));
    return this.#nodeNames.take(hint);
  }

  /** The graphs that have a value among their outputs: its own, if that is all, or subgraphs too. */
  protected graphsListing(value: Value): readonly Graph[] {
    if (value.outputCount === 0) return [];
    const own = value.graph.outputs.filter((v) => v === value).length;
    if (own === value.outputCount) return [value.graph];
    return everyGraph(this.model).filter((g) => g.outputs.includes(value));
  }

  /** Renames a value in every file position. Throws `graph/duplicate-name` when the name is not free: see `isFree`. */
  rename(value: Value, name: string): void {
    this.requireFree(value.graph, name);
    this.takeName(value, name);
  }

  /** Gives a value a name that nothing of its graph has any more; other graphs of a broken file may. */
  protected takeName(value: Value, name: string): void {
    const old = value.name;
    this.renameQuietly(value, name);
    const swap = (info: ValueInfo): ValueInfo => (info.name === old ? { ...info, name } : info);
    const graph = mutable(value.graph);
    const info = graph.inputInfos.get(value);
    if (info) graph.inputInfos.set(value, swap(info));
    for (const g of this.graphsListing(value)) {
      mutable(g).outputInfos = g.outputInfos.map((o, i) => (g.outputs[i] === value ? swap(o) : o));
      this.touchGraph(g);
    }
    value.graph.lists.renameInfo(old, name);
    if (value.producer) this.touchQuietly(value.producer);
    for (const node of value.uses.keys()) this.touchQuietly(node);
    this.touchGraph(value.graph);
  }

  /** Removes an initializer or value that nothing uses; sweeps nothing else. */
  removeUnused(value: Value): void {
    if (value.uses.size > 0 || value.outputCount > 0)
      throw new Error(`bug: ${printable(value.name)} is removed while in use`);
    if (value.isInput) this.freeze(value);
    this.forget(value);
  }

  /** Marks a node as changed: its bytes, and those of everything around it, are written anew. */
  touch(node: Node): void {
    this.touchQuietly(node);
    this.onTouch(node);
  }

  touchGraph(graph: Graph): void {
    this.revision += 1;
    for (let g: Graph | undefined = graph; g; g = g.parent) {
      mutable(g).span = undefined;
      mutable(g.owner).span = undefined;
    }
    mutable(graph.root).span = undefined;
    mutable(this.model).span = undefined;
  }

  protected touchQuietly(node: Node): void {
    mutable(node).span = undefined;
    this.touchGraph(node.graph);
  }

  /** Without what files say of the value by its old name. */
  protected renameQuietly(value: Value, name: string): void {
    scopeNames(this.model).remove(value.graph, value.name);
    scopeNames(this.model).add(value.graph, name);
    this.#names?.add(name);
    renameValue(value, name);
  }

  protected requireFree(graph: Graph, name: string): void {
    if (this.isFree(graph, name)) return;
    const where = graph.values.has(name) ? '' : outerNamed(graph, name) ? ' in a graph around' : ' in a graph inside';
    throw new CnnxError('graph/duplicate-name', `a value named ${printable(name)} exists already${where}`, {
      at: { value: name },
    });
  }

  protected define(graph: Graph, name: string): Value {
    this.requireFree(graph, name);
    this.#names?.add(name);
    scopeNames(this.model).add(graph, name);
    return defineValue(graph, name);
  }

  protected forget(value: Value): void {
    this.touchGraph(value.graph);
    scopeNames(this.model).remove(value.graph, value.name);
    forgetValue(value);
    value.graph.lists.dropInfo(value.name);
  }
}
