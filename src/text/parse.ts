import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import type { Attr } from '../graph/attr.js';
import { FunctionDef, Graph, Model, Node, type OpsetImport, type Value, type ValueInfo } from '../graph/ir.js';
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
} from '../graph/mutate.js';
import { AttrParser } from './parse-attrs.js';
import { TypeParser } from './parse-types.js';
import { DEFAULT_HEADER } from './print.js';
import { Scanner } from './scanner.js';
import type { ValueType } from '../graph/types.js';

/** How `parseGraph` fills weights that are given by type only. */
export interface ParseOptions {
  /** For the data of tensors that the text does not write out. */
  readonly seed?: number | undefined;
}

/**
 * A model from its text form (see `printGraph`):
 *
 *     <ir: 8, opset: ["": 17, "com.microsoft": 1]>                        # may be left out
 *     (x: float32[n,3,8,8]) -> (y)
 *       t = Pad<mode="edge">(x, p: int64[8] = [0,0,1,2,0,0,1,2])          # p is an initializer; so is w, filled from the seed
 *       y = com.microsoft::FusedConv@name<pads=[1,1,1,1]>(t, w: float32[4,3,3,3])
 *
 * `_` is an input or output left out; names with other characters than letters, digits and `_./$+-` stand in double
 * quotes; `w: float32[2] = [1,2]` as a line of its own is an initializer too. A name that nothing defines becomes an
 * undefined value, as in a broken file; the checker finds it. Throws `graph/syntax` with line and column.
 */
export function parseGraph(text: string, options: ParseOptions = {}): Model {
  return new Parser(new Scanner(text), options.seed ?? 0).model();
}

class Parser {
  /** Inputs and outputs by name, bound once every definition is known: order does not matter. */
  readonly #inputs: { readonly node: Node; readonly given: readonly (Value | string | undefined)[] }[] = [];
  readonly #outputs: { readonly graph: Graph; readonly names: readonly string[] }[] = [];
  readonly #infos = new Map<Graph, ValueInfo[]>();
  #depth = 0;

  private readonly types: TypeParser;
  private readonly attrs: AttrParser;

  constructor(
    private readonly scan: Scanner,
    seed: number,
  ) {
    this.types = new TypeParser(scan, seed);
    this.attrs = new AttrParser(scan, this.types, (owner) => this.subgraph(owner));
  }

  model(): Model {
    const { scan } = this;
    const model = new Model();
    mutable(model).irVersion = DEFAULT_HEADER.irVersion;
    mutable(model).opsetImports = [{ domain: '', version: DEFAULT_HEADER.opset }];
    mutable(model.graph).name = DEFAULT_HEADER.graphName;
    if (scan.sees('<')) scan.list('<', '>', () => this.header(model));
    const functions: FunctionDef[] = [];
    while (scan.takeWord('function')) functions.push(this.function(model));
    mutable(model).functions = functions;
    this.graph(model.graph, () => scan.done);
    this.bind();
    return model;
  }

  private header(model: Model): void {
    const { scan } = this;
    const key = scan.name('a field of the header');
    if (!HEADER_FIELDS.includes(key))
      scan.failThere(`${printable(key)} is no field of the header; those are ${HEADER_FIELDS.join(', ')}`);
    scan.expect(':');
    if (key === 'ir') mutable(model).irVersion = this.version();
    else if (key === 'opset') mutable(model).opsetImports = this.opsets();
    else if (key === 'graph') mutable(model.graph).name = scan.nameOrNothing();
    else if (key === 'producer') mutable(model).producerName = scan.name('a producer');
    else mutable(model).producerVersion = scan.name('a version');
  }

  private version(): bigint | undefined {
    return this.scan.takeWord('_') ? undefined : this.attrs.int64(this.scan.number());
  }

  private opsets(): OpsetImport[] {
    return this.scan.list('[', ']', () => {
      const domain = this.scan.nameOrNothing();
      this.scan.expect(':');
      return { domain, version: this.version() };
    });
  }

  private function(model: Model): FunctionDef {
    const { scan } = this;
    const f = new FunctionDef(model);
    assign(f, this.opName());
    const attributes: string[] = [];
    const defaults: Attr[] = [];
    const holder = new Node(f.body, '');
    if (scan.sees('<')) {
      scan.list('<', '>', () => {
        const name = scan.name('an attribute');
        if (scan.sees('=') || scan.sees(':')) defaults.push(this.attrs.attr(name, holder));
        else attributes.push(name);
      });
    }
    mutable(f).attributes = attributes;
    mutable(f).attributeDefaults = defaults;
    scan.expect('opset');
    scan.expect(':');
    mutable(f).opsetImports = this.opsets();
    scan.expect('{');
    this.graph(f.body, () => scan.take('}'));
    return f;
  }

  private opName(): { domain: string | undefined; name: string; overload: string | undefined } {
    const { scan } = this;
    let name = scan.name('an operator');
    let domain: string | undefined;
    if (scan.take('::')) {
      domain = name;
      name = scan.name('an operator');
    }
    const overload = scan.take(':') ? scan.name('an overload') : undefined;
    return { domain, name, overload };
  }

  private graph(graph: Graph, ends: () => boolean): void {
    const { scan } = this;
    if (++this.#depth > LIMITS.graphDepth)
      throw new CnnxError('graph/depth', `graphs are nested more than ${LIMITS.graphDepth} deep`);
    const inputs = scan.list('(', ')', () => this.input(graph));
    setGraphInputs(graph, inputs);
    scan.expect('->');
    const infos = scan.list('(', ')', () => {
      const name = scan.name('an output');
      return { name, type: scan.take(':') ? this.types.type() : undefined };
    });
    mutable(graph).outputInfos = infos;
    this.#outputs.push({ graph, names: infos.map((i) => i.name) });
    const inner: ValueInfo[] = [];
    this.#infos.set(graph, inner);
    while (!ends()) this.statement(graph);
    graph.lists.setInfos(inner);
    this.#depth -= 1;
  }

  private input(graph: Graph): Value {
    const { scan } = this;
    const name = scan.name('an input');
    const value = defineValue(graph, name);
    const type = scan.take(':') ? this.types.type() : undefined;
    mutable(graph).inputInfos.set(value, { name, type });
    mutable(value).type = type;
    if (scan.take('=')) {
      const own = this.types.seesData() ? type : this.types.type();
      if (own !== type) scan.expect('=');
      mutable(value).initializer = this.types.data(this.types.static(own), name);
      mutable(value).type ??= own;
      mutable(graph).initializers.add(value);
    }
    return value;
  }

  /** `w: float32[2] = [1,2]`, or `a, _, b: float32[2] = Op(...)`. */
  private statement(graph: Graph): void {
    const { scan } = this;
    const outputs: { name: string | undefined; type: ValueType | undefined }[] = [];
    if (!scan.take('(')) {
      do {
        const name = scan.takeWord('_') ? undefined : scan.name('a node or an initializer');
        outputs.push({ name, type: scan.take(':') ? this.types.type() : undefined });
      } while (scan.take(','));
    } else scan.expect(')');
    const [first] = outputs;
    const assigned = scan.take('=');
    if (outputs.length === 1 && first?.name !== undefined && first.type && (!assigned || this.types.seesData())) {
      this.initializer(graph, first.name, first.type, assigned);
      return;
    }
    if (!assigned) scan.fail("'=' was expected");
    this.node(graph, outputs);
  }

  private node(
    graph: Graph,
    outputs: readonly { readonly name: string | undefined; readonly type: ValueType | undefined }[],
  ): void {
    const { scan } = this;
    const op = this.opName();
    const node = new Node(graph, op.name);
    mutable(node).declaredDomain = op.domain;
    mutable(node).overload = op.overload;
    if (scan.take('@')) mutable(node).name = scan.name("the node's name");
    setOutputs(
      node,
      outputs.map(({ name, type }) => (name === undefined ? undefined : this.output(graph, name, type))),
    );
    if (scan.sees('<'))
      setAttrs(
        node,
        scan.list('<', '>', () => this.attrs.attr(scan.name('an attribute'), node)),
      );
    this.#inputs.push({ node, given: scan.list('(', ')', () => this.argument(graph)) });
    linkNode(node);
  }

  private output(graph: Graph, name: string, type: ValueType | undefined): Value {
    const value = defineValue(graph, name);
    mutable(value).type = type;
    if (type) this.#infos.get(graph)?.push({ name, type });
    return value;
  }

  private argument(graph: Graph): Value | string | undefined {
    const { scan } = this;
    if (scan.takeWord('_')) return undefined;
    const name = scan.name('an input');
    if (!scan.take(':')) return name;
    const type = this.types.type() ?? scan.failThere('an initializer needs a type');
    return this.initializer(graph, name, type, scan.take('='));
  }

  private initializer(graph: Graph, name: string, type: ValueType, written: boolean): Value {
    const listed = graph.values.get(name);
    const value = listed?.isInput && !listed.initializer ? listed : defineValue(graph, name);
    if (type.kind === 'sparse_tensor') {
      mutable(value).sparseInitializer = this.types.sparse(type);
      mutable(graph).sparseInitializers.add(value);
    } else {
      const of = this.types.static(type);
      mutable(value).initializer = written ? this.types.data(of, name) : this.types.seeded(of, name);
      mutable(graph).initializers.add(value);
    }
    mutable(value).type ??= type;
    return value;
  }

  /** Binds names from the innermost graph outwards. */
  private bind(): void {
    const find = (graph: Graph, name: string): Value => {
      for (let g: Graph | undefined = graph; g; g = g.parent) {
        const value = g.values.get(name);
        if (value) return value;
      }
      return defineValue(graph, name);
    };
    for (const { node, given } of this.#inputs)
      setInputs(
        node,
        given.map((v) => (typeof v === 'string' ? find(node.graph, v) : v)),
      );
    for (const { graph, names } of this.#outputs)
      setGraphOutputs(
        graph,
        names.map((name) => find(graph, name)),
      );
  }

  private subgraph(owner: Node): Graph {
    const { scan } = this;
    const graph = new Graph(owner);
    scan.expect('{');
    mutable(graph).name = scan.nameOrNothing();
    this.graph(graph, () => scan.take('}'));
    return graph;
  }
}

const HEADER_FIELDS: readonly string[] = ['ir', 'opset', 'graph', 'producer', 'version'];
