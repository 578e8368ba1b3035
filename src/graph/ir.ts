import type { Tensor } from '../tensor/tensor.js';
import {
  type AttrOf,
  graphsOf,
  type MetadataEntry,
  type Preserved,
  type Span,
  type SparseTensor,
} from './attr-kinds.js';
import { GraphLists } from './graph-lists.js';
import { fits, Lens, matches, type Declaration, type Read } from './signature.js';
import type { ValueType } from './types.js';
import { NO_USES, type Uses } from './uses.js';

/*
 * The IR is a mutable graph whose every edit goes through `Editor` (edit.ts); to everyone else it is read-only.
 * Identity is the object; names are for files. `undefined` in an optional field means that the file does not have it:
 * absent is not empty.
 */

/** One tensor, sequence, ... of a graph: a graph input, an initializer, or a node's output. */
export class Value {
  /** The node that makes it, if one does. */
  readonly producer: Node | undefined = undefined;
  /** The consuming nodes, those in subgraphs included, with the number of inputs each takes it on. */
  readonly uses: Uses<Node> = NO_USES;
  /** How many times a graph (its own or a subgraph) lists it as an output. */
  readonly outputCount: number = 0;
  /**
   * Whether its graph lists it as an input; with an initializer: a default that a caller may override (from IR version
   * 4 on).
   */
  readonly isInput: boolean = false;
  readonly initializer: Tensor | undefined = undefined;
  readonly sparseInitializer: SparseTensor | undefined = undefined;
  /**
   * A kernel writes into it while the model runs: its data is no constant, and it may not stand for any other value.
   */
  readonly isOverwritten: boolean = false;
  /** What is known of it: declared by the file, or inferred. Inferred types are not written to files. */
  readonly type: ValueType | undefined = undefined;

  constructor(
    readonly graph: Graph,
    readonly name: string,
  ) {}

  /** Nothing defines it: a name that a broken file reads. */
  get isUndefined(): boolean {
    return !this.producer && !this.isInput && !this.initializer && !this.sparseInitializer;
  }
}

/** What a file declares of a value (ONNX ValueInfoProto). Immutable. */
export interface ValueInfo {
  readonly name: string;
  readonly type?: ValueType | undefined;
  readonly docString?: string | undefined;
  readonly metadata?: readonly MetadataEntry[];
  readonly preserved?: Preserved | undefined;
}

/** An attribute of a node, as the file has it. */
export type Attr = AttrOf<Graph>;

/** Most nodes of large graphs have no attributes and no metadata: they share these. */
export const NO_ATTRS: ReadonlyMap<string, Attr> = new Map();
const NO_ITEMS: readonly never[] = Object.freeze([]);

/** One application of an operator. Inputs and outputs left out are `undefined`. */
export class Node {
  readonly name: string | undefined = undefined;
  /** As the file has it; see `domain`. */
  readonly declaredDomain: string | undefined = undefined;
  readonly overload: string | undefined = undefined;
  readonly docString: string | undefined = undefined;
  readonly metadata: readonly MetadataEntry[] = NO_ITEMS;
  readonly inputs: readonly (Value | undefined)[] = NO_ITEMS;
  readonly outputs: readonly (Value | undefined)[] = NO_ITEMS;
  readonly attrs: ReadonlyMap<string, Attr> = NO_ATTRS;
  readonly span: Span | undefined = undefined;
  readonly preserved: Preserved | undefined = undefined;
  /** Neighbours in the graph's order. */
  readonly previous: Node | undefined = undefined;
  readonly next: Node | undefined = undefined;
  private place = 0;
  /** The declaration that `is` last said yes to. */
  private declaration: Declaration | undefined = undefined;

  constructor(
    readonly graph: Graph,
    readonly opType: string,
  ) {}

  /**
   * Its place in the graph's order, from 0 on, when `numberNodes` last looked: asking takes no memory, as a Map of
   * nodes would.
   */
  get position(): number {
    return this.place;
  }

  /** Gives the nodes of a graph their positions; see `numberNodes`. */
  static number(graph: Graph): void {
    let position = 0;
    for (let node = graph.first; node; node = node.next) node.place = position++;
  }

  /** Forgets which declarations the nodes of a graph fitted: after a change of the imported version they may be others. */
  static forgetDeclarations(graph: Graph): void {
    for (let node = graph.first; node; node = node.next) node.declaration = undefined;
  }

  /** '' for ONNX's own operators, however the file writes it. */
  get domain(): string {
    return canonicalDomain(this.declaredDomain);
  }

  /** The imported version of this node's domain; undefined when the model does not import it. */
  get opset(): number | undefined {
    return this.graph.root.opset(this.domain);
  }

  /**
   * Whether this node is an application of `op`: domain, name, imported version, arity and attribute kinds all fit.
   * Narrows.
   */
  is<O extends Declaration>(op: O): this is Node & Read<O, Value> {
    if (!(this.declaration === op ? fits(this, op) : matches(this, op))) return false;
    this.declaration = op;
    return true;
  }

  /** Typed inputs, outputs and attributes by their names in the declaration; only after `is` has said yes. */
  get in(): unknown {
    return this.lens().in;
  }
  get out(): unknown {
    return this.lens().out;
  }
  get attr(): unknown {
    return this.lens().attr;
  }

  private lens(): Lens {
    if (!this.declaration)
      throw new Error(`bug: ${this.opType} is read through a declaration before node.is(...) said that it fits`);
    return new Lens(this, this.declaration);
  }

  /** Graphs in its attributes. */
  get subgraphs(): readonly Graph[] {
    let found: Graph[] | undefined;
    // Nearly every node has none, and every walk asks each.
    for (const attr of this.attrs.values())
      if (attr.kind === 'graph' || attr.kind === 'graphs') (found ??= []).push(...graphsOf(attr));
    return found ?? NO_ITEMS;
  }
}

export const canonicalDomain = (domain: string | undefined): string =>
  domain === undefined || domain === 'ai.onnx' ? '' : domain;

/**
 * A graph, a subgraph of a node, or the body of a function. Nodes are in the file's order, which ought to be
 * topological.
 */
export class Graph {
  readonly name: string | undefined = undefined;
  readonly docString: string | undefined = undefined;
  readonly metadata: readonly MetadataEntry[] = [];
  /** May list values of an outer graph, and one value twice. */
  readonly outputs: readonly Value[] = [];
  /** Values with an initializer, in file order. */
  readonly initializers: ReadonlySet<Value> = new Set();
  readonly sparseInitializers: ReadonlySet<Value> = new Set();
  /**
   * What the file declares of its inputs, outputs and inner values. Keys are objects; entries for no value at all stand
   * in `strayInfos`.
   */
  readonly inputInfos: ReadonlyMap<Value, ValueInfo> = new Map();
  readonly outputInfos: readonly ValueInfo[] = [];
  /** Behind `inputs` and `valueInfos`. */
  readonly lists: GraphLists<Value, ValueInfo> = new GraphLists();
  readonly span: Span | undefined = undefined;
  readonly preserved: Preserved | undefined = undefined;
  readonly first: Node | undefined = undefined;
  readonly last: Node | undefined = undefined;
  readonly nodeCount: number = 0;
  /** Every value of this graph by name (not those captured from outside). For a name defined twice, the first. */
  readonly values: ReadonlyMap<string, Value> = new Map();

  constructor(
    /** The node whose attribute holds this graph, or the model or function whose body it is. */
    readonly owner: Node | Model | FunctionDef,
  ) {}

  get inputs(): readonly Value[] {
    return this.lists.inputs;
  }

  /** What the file declares of inner values (value_info). */
  get valueInfos(): readonly ValueInfo[] {
    return this.lists.infos;
  }

  /** The model or function that this graph is in, however deep. */
  get root(): Model | FunctionDef {
    let graph: Graph = this;
    while (graph.owner instanceof Node) graph = graph.owner.graph;
    return graph.owner;
  }

  /** The graph around a subgraph. */
  get parent(): Graph | undefined {
    return this.owner instanceof Node ? this.owner.graph : undefined;
  }

  /** The model. */
  get model(): Model {
    const root = this.root;
    return root instanceof Model ? root : root.model;
  }

  /** In order. The node at hand may be removed while iterating, and nodes inserted before it. */
  *nodes(): Generator<Node, void, undefined> {
    let node = this.first;
    while (node) {
      const next: Node | undefined = node.next;
      yield node;
      node = next;
    }
  }
}

/** A domain and the version of it that a model or function uses. The domain '' is ONNX's own. */
export interface OpsetImport {
  readonly domain?: string | undefined;
  readonly version?: bigint | undefined;
  readonly preserved?: Preserved | undefined;
}

function importedVersion(imports: readonly OpsetImport[], domain: string): number | undefined {
  let version: number | undefined;
  for (const i of imports) if (canonicalDomain(i.domain) === domain) version = Number(i.version ?? 0n);
  return version;
}

/** A function that nodes may call by its domain and name (ONNX FunctionProto). */
export class FunctionDef {
  readonly name: string | undefined = undefined;
  readonly domain: string | undefined = undefined;
  readonly overload: string | undefined = undefined;
  readonly docString: string | undefined = undefined;
  readonly metadata: readonly MetadataEntry[] = [];
  /** Attributes without and with a default. */
  readonly attributes: readonly string[] = [];
  readonly attributeDefaults: readonly Attr[] = [];
  readonly opsetImports: readonly OpsetImport[] = [];
  /** Inputs and outputs of the body are the function's. */
  readonly body: Graph = new Graph(this);
  readonly span: Span | undefined = undefined;
  readonly preserved: Preserved | undefined = undefined;

  constructor(readonly model: Model) {}

  opset(domain: string): number | undefined {
    return importedVersion(this.opsetImports, domain);
  }
}

/** A whole ONNX model. */
export class Model {
  readonly irVersion: bigint | undefined = undefined;
  readonly opsetImports: readonly OpsetImport[] = [];
  readonly producerName: string | undefined = undefined;
  readonly producerVersion: string | undefined = undefined;
  readonly domain: string | undefined = undefined;
  readonly modelVersion: bigint | undefined = undefined;
  readonly docString: string | undefined = undefined;
  readonly metadata: readonly MetadataEntry[] = [];
  readonly graph: Graph = new Graph(this);
  readonly functions: readonly FunctionDef[] = [];
  readonly span: Span | undefined = undefined;
  readonly preserved: Preserved | undefined = undefined;

  /** The version that `domain` is imported at; undefined when it is not imported. */
  opset(domain: string): number | undefined {
    return importedVersion(this.opsetImports, canonicalDomain(domain));
  }

  /** Below IR version 4 an initializer listed as an input is a constant all the same. */
  get overridableInitializers(): boolean {
    return (this.irVersion ?? 0n) >= 4n;
  }
}

/**
 * The tensor of a value that neither a caller nor a kernel can change; undefined for anything else, an overridable
 * initializer included.
 */
export function constantTensor(value: Value | undefined): Tensor | undefined {
  if (!value?.initializer || value.producer || value.isOverwritten) return undefined;
  return value.isInput && value.graph.model.overridableInitializers ? undefined : value.initializer;
}
