import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { seededTensor } from '../tensor/seeded.js';
import { tensor, type Tensor } from '../tensor/tensor.js';
import type { Attr, SparseTensor } from './attr.js';
import { FunctionDef, Graph, Model, Node, type OpsetImport, type Value, type ValueInfo } from './ir.js';
import { floatBits, isDType, NUMBER_FORMATS, stringBytes } from './literals.js';
import {
  defineValue,
  linkNode,
  mutable,
  setAttrs,
  setGraphInputs,
  setGraphOutputs,
  setInputs,
  setOutputs,
} from './mutate.js';
import { DEFAULT_HEADER } from './print.js';
import { Scanner } from './scanner.js';
import type { Dim, TensorType, ValueType } from './types.js';

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
 * `_` is an input or output left out; names with other characters than letters, digits and `_./$+-` stand in double quotes; `w: float32[2] = [1,2]`
 * as a line of its own is an initializer too. A name that nothing defines becomes an undefined value, as in a broken file; the checker finds
 * it. Throws `graph/syntax` with line and column.
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

  constructor(
    private readonly scan: Scanner,
    private readonly seed: number,
  ) {}

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
    return this.scan.takeWord('_') ? undefined : this.int64(this.scan.number());
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
    Object.assign(mutable(f), this.opName());
    const attributes: string[] = [];
    const defaults: Attr[] = [];
    if (scan.sees('<')) {
      scan.list('<', '>', () => {
        const name = scan.name('an attribute');
        if (scan.sees('=') || scan.sees(':')) defaults.push(this.attr(name, f));
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
      return { name, type: scan.take(':') ? this.type() : undefined };
    });
    mutable(graph).outputInfos = infos;
    this.#outputs.push({ graph, names: infos.map((i) => i.name) });
    const inner: ValueInfo[] = [];
    this.#infos.set(graph, inner);
    while (!ends()) this.statement(graph);
    mutable(graph).valueInfos = inner;
    this.#depth -= 1;
  }

  private input(graph: Graph): Value {
    const { scan } = this;
    const name = scan.name('an input');
    const value = defineValue(graph, name);
    const type = scan.take(':') ? this.type() : undefined;
    mutable(graph).inputInfos.set(value, { name, type });
    mutable(value).type = type;
    if (scan.take('=')) {
      const own = this.seesData() ? type : this.type();
      if (own !== type) scan.expect('=');
      mutable(value).initializer = this.data(this.static(own), name);
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
        outputs.push({ name, type: scan.take(':') ? this.type() : undefined });
      } while (scan.take(','));
    } else scan.expect(')');
    const [first] = outputs;
    const assigned = scan.take('=');
    if (outputs.length === 1 && first?.name !== undefined && first.type && (!assigned || this.seesData())) {
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
        scan.list('<', '>', () => this.attr(scan.name('an attribute'), node)),
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
    const type = this.type() ?? scan.failThere('an initializer needs a type');
    return this.initializer(graph, name, type, scan.take('='));
  }

  private initializer(graph: Graph, name: string, type: ValueType, written: boolean): Value {
    const listed = graph.values.get(name);
    const value = listed?.isInput && !listed.initializer ? listed : defineValue(graph, name);
    if (type.kind === 'sparse_tensor') {
      mutable(value).sparseInitializer = this.sparse(type);
      mutable(graph).sparseInitializers.add(value);
    } else {
      const of = this.static(type);
      mutable(value).initializer = written ? this.data(of, name) : this.seeded(of, name);
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

  // --- attributes ---------------------------------------------------------------------------------------------------------------

  private attr(name: string, owner: Node | FunctionDef): Attr {
    const { scan } = this;
    if (scan.take(':')) return this.annotated(name, owner);
    scan.expect('=');
    if (scan.take('@')) return { name, kind: 'ref', ref: scan.name('an attribute of the function') };
    if (scan.sees('{')) return { name, kind: 'graph', value: this.subgraph(owner) };
    if (!scan.sees('[')) {
      const text = scan.string();
      return text === undefined ? this.numberAttr(name) : { name, kind: 'string', value: stringBytes(text) };
    }
    const items = scan.list('[', ']', () => (scan.sees('{') ? this.subgraph(owner) : this.item()));
    return this.listAttr(name, items);
  }

  private item(): Uint8Array | string {
    const text = this.scan.string();
    return text === undefined ? this.scan.number() : stringBytes(text);
  }

  private listAttr(name: string, items: readonly (Graph | Uint8Array | string)[]): Attr {
    const graphs = items.filter((i) => i instanceof Graph);
    const strings = items.filter((i) => i instanceof Uint8Array);
    const numbers = items.filter((i) => typeof i === 'string');
    if (items.length === 0) this.scan.failThere(`an empty list says its kind: ${printable(name)}: ints = []`);
    if (graphs.length === items.length) return { name, kind: 'graphs', values: graphs };
    if (strings.length === items.length) return { name, kind: 'strings', values: strings };
    if (numbers.length < items.length) this.scan.failThere('the items of a list are of one kind');
    return numbers.every((n) => INTEGER.test(n)) ? this.intsAttr(name, numbers) : this.floatsAttr(name, numbers);
  }

  private numberAttr(name: string): Attr {
    const text = this.scan.number();
    if (INTEGER.test(text)) return { name, kind: 'int', value: this.int64(text) };
    return { name, kind: 'float', bits: this.floatBits(text) };
  }

  private intsAttr(name: string, numbers: readonly string[]): Attr {
    return { name, kind: 'ints', values: BigInt64Array.from(numbers, (n) => this.int64(n)) };
  }

  private floatsAttr(name: string, numbers: readonly string[]): Attr {
    return {
      name,
      kind: 'floats',
      values: new Float32Array(Uint32Array.from(numbers, (n) => this.floatBits(n)).buffer),
    };
  }

  private int64(text: string): bigint {
    const value = INTEGER.test(text) ? BigInt(text.replace('+', '')) : undefined;
    if (value === undefined || BigInt.asIntN(64, value) !== value)
      return this.scan.failThere(`${printable(text)} is no int64`);
    return value;
  }

  private floatBits(text: string): number {
    return floatBits(text) ?? this.scan.failThere(`${printable(text)} is no number`);
  }

  private annotated(name: string, owner: Node | FunctionDef): Attr {
    const { scan } = this;
    const items = <T>(item: () => T): T[] => {
      scan.expect('=');
      return scan.list('[', ']', item);
    };
    if (scan.takeWord('ints'))
      return this.intsAttr(
        name,
        items(() => scan.number()),
      );
    if (scan.takeWord('floats'))
      return this.floatsAttr(
        name,
        items(() => scan.number()),
      );
    if (scan.takeWord('strings'))
      return {
        name,
        kind: 'strings',
        values: items(() => stringBytes(scan.string() ?? scan.fail('a string was expected'))),
      };
    if (scan.takeWord('graphs')) return { name, kind: 'graphs', values: items(() => this.subgraph(owner)) };
    if (scan.takeWord('tensors')) return { name, kind: 'tensors', values: items(() => this.tensor(name)) };
    if (scan.takeWord('sparse_tensors')) return { name, kind: 'sparse_tensors', values: items(() => this.sparseOf()) };
    if (scan.takeWord('types'))
      return { name, kind: 'types', values: items(() => this.type() ?? scan.failThere('a type was expected')) };
    if (scan.takeWord('type')) {
      scan.expect('=');
      return { name, kind: 'type', value: this.type() ?? scan.failThere('a type was expected') };
    }
    const type = this.type();
    if (type?.kind === 'sparse_tensor') return { name, kind: 'sparse_tensor', value: this.sparse(type) };
    if (type?.kind === 'tensor' && type.dtype === 'undefined' && !type.shape) return { name, kind: 'undefined' };
    const of = this.static(type);
    return { name, kind: 'tensor', value: scan.take('=') ? this.data(of, name) : this.seeded(of, name) };
  }

  private subgraph(owner: Node | FunctionDef): Graph {
    const { scan } = this;
    const graph = new Graph(owner);
    scan.expect('{');
    mutable(graph).name = scan.nameOrNothing();
    this.graph(graph, () => scan.take('}'));
    return graph;
  }

  // --- types and tensors --------------------------------------------------------------------------------------------------------

  private type(depth = 0): ValueType | undefined {
    const { scan } = this;
    if (depth > LIMITS.graphDepth) scan.fail(`types are nested more than ${LIMITS.graphDepth} deep`);
    if (scan.take('?')) return undefined;
    const word = scan.name('a type');
    const inner = (): ValueType | undefined => {
      const type = this.type(depth + 1);
      scan.expect(')');
      return type;
    };
    switch (word) {
      case 'opaque':
        return { kind: 'opaque' };
      case 'seq':
        scan.expect('(');
        return { kind: 'sequence', elem: inner() };
      case 'optional':
        scan.expect('(');
        return { kind: 'optional', elem: inner() };
      case 'map': {
        scan.expect('(');
        const key = this.dtype(scan.name('a type'));
        scan.expect(',');
        return { kind: 'map', key, value: inner() };
      }
      case 'sparse':
        return this.tensorType('sparse_tensor', scan.name('a type'));
      default:
        return this.tensorType('tensor', word);
    }
  }

  private tensorType(kind: TensorType['kind'], word: string): TensorType {
    const dtype = this.dtype(word);
    return this.scan.sees('[') ? { kind, dtype, shape: this.scan.list('[', ']', () => this.dim()) } : { kind, dtype };
  }

  private dtype(word: string): DType {
    return isDType(word) ? word : this.scan.failThere(`${printable(word)} is no element type`);
  }

  private dim(): Dim {
    const { scan } = this;
    if (scan.take('?')) return undefined;
    if (scan.sees('"')) return scan.name('a dimension');
    const word = scan.name('a dimension');
    return INTEGER.test(word) ? Number(word) : word;
  }

  private static(type: ValueType | undefined): { readonly dtype: DType; readonly shape: readonly number[] } {
    const { scan } = this;
    if (type?.kind !== 'tensor' || !type.shape) return scan.failThere('data needs a tensor type with its shape');
    const shape = type.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : scan.failThere('data needs sizes')));
    if (!Number.isSafeInteger(elementCount(shape))) scan.failThere('the shape is too large');
    return { dtype: type.dtype, shape };
  }

  private seeded(of: { readonly dtype: DType; readonly shape: readonly number[] }, name: string): Tensor {
    return seededTensor(of.dtype, of.shape, name, this.seed);
  }

  private seesData(): boolean {
    const { scan } = this;
    return ['[', '{', '...', '0x'].some((sign) => scan.sees(sign));
  }

  /** `[1,2]`, `0x0102` for types that are not written as numbers, or `...` to fill it from the seed. */
  private data(of: { readonly dtype: DType; readonly shape: readonly number[] }, name: string): Tensor {
    const { scan } = this;
    const { dtype, shape } = of;
    if (scan.take('...')) return this.seeded(of, name);
    const raw = scan.hexBytes();
    if (raw) {
      const expected = bytesOf(dtype, elementCount(shape));
      if (raw.byteLength !== expected) scan.failThere(`${expected} bytes were expected; found ${raw.byteLength}`);
      return tensor(dtype, shape, raw);
    }
    if (dtype === 'string') {
      const strings = scan.list('[', ']', () => stringBytes(scan.string() ?? scan.fail('a string was expected')));
      this.count(strings.length, shape);
      const byteLength = strings.reduce((n, s) => n + s.byteLength, 0);
      return { ...seededTensor(dtype, shape, name), byteLength, strings: () => strings };
    }
    const format = NUMBER_FORMATS[dtype];
    if (!format) return scan.fail(`the bytes of ${dtype} in hexadecimal (0x...) were expected`);
    const probe = new DataView(new ArrayBuffer(format.size));
    const numbers = scan.list('[', ']', () => {
      const text = scan.number();
      return format.write(probe, 0, text) ? text : scan.failThere(`${printable(text)} is no ${dtype}`);
    });
    this.count(numbers.length, shape);
    const view = new DataView(new ArrayBuffer(numbers.length * format.size));
    numbers.forEach((n, i) => format.write(view, i * format.size, n));
    return tensor(dtype, shape, new Uint8Array(view.buffer));
  }

  private count(found: number, shape: readonly number[]): void {
    const expected = elementCount(shape);
    if (found !== expected) this.scan.failThere(`[${shape.join(',')}] has ${expected} elements; found ${found}`);
  }

  private tensor(name: string): Tensor {
    const of = this.static(this.type());
    return this.scan.take('=') ? this.data(of, name) : this.seeded(of, name);
  }

  private sparseOf(): SparseTensor {
    const type = this.type();
    return type?.kind === 'sparse_tensor' ? this.sparse(type) : this.scan.failThere('a sparse type was expected');
  }

  private sparse(type: TensorType): SparseTensor {
    const { scan } = this;
    const { shape: dims } = this.static({ ...type, kind: 'tensor' });
    scan.take('=');
    scan.expect('{');
    const name = scan.sees('"') ? scan.nameOrNothing() : undefined;
    const values = this.tensor('values');
    scan.expect(',');
    const indices = this.tensor('indices');
    scan.expect('}');
    return { values, indices, dims, ...(name !== undefined && { name }) };
  }
}

const HEADER_FIELDS: readonly string[] = ['ir', 'opset', 'graph', 'producer', 'version'];
const INTEGER = /^[-+]?\d+$/;
