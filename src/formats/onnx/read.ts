import { type ByteSource, memorySource } from '../../base/bytes.js';
import { CnnxError, type ErrorCode } from '../../base/errors.js';
import { LIMITS, type Limits } from '../../base/limits.js';
import type { Attr } from '../../graph/attr.js';
import {
  FunctionDef,
  type Graph,
  Graph as GraphClass,
  Model,
  Node,
  type Value,
  type ValueInfo,
} from '../../graph/ir.js';
import {
  defineValue,
  linkNode,
  mutable,
  setAttrs,
  setGraphInputs,
  setGraphOutputs,
  setInputs,
  setOutputs,
} from '../../graph/mutate.js';
import { type AttrContext, readAttr, readSparse } from './attrs.js';
import { decode, decodeModel } from './decode.js';
import type { ExternalData } from './external.js';
import { FUNCTION, GRAPH, MODEL, NODE, preserveAlso, readFields } from './fields.js';
import type { Message } from './message.js';
import { notAModel } from './sniff.js';
import { OnnxTensor } from './tensor.js';
import { readInfo } from './types.js';

/** Where external data is found, and the bounds for what is read. */
export interface ReadOptions {
  /** Where external data is found; without it such tensors have a type and a shape, and their values cannot be read. */
  readonly external?: ExternalData | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** For messages. */
  readonly file?: string | undefined;
}

/**
 * Reads an ONNX model of IR version 3 to 14. Weights stay in `source`, which must go on working. Graphs that break
 * ONNX's rules (a name defined twice, or never; a cycle) are read as they are: the checker is for that. Throws
 * `onnx/not-a-model`, `onnx/truncated`, `onnx/wire`, `onnx/depth`, `onnx/limit`, `onnx/tensor`, `onnx/external-data`.
 */
export function readOnnx(source: Uint8Array | ByteSource, options: ReadOptions = {}): Model {
  const bytes = source instanceof Uint8Array ? memorySource(source) : source;
  const limits = { ...LIMITS, ...options.limits };
  try {
    const decoded = decodeModel(bytes, limits);
    if (!decoded.fields.graph) throw noGraph(bytes.size);
    return new Reader(limits, options.external, decoded).model();
  } catch (error) {
    if (!(error instanceof CnnxError)) throw error;
    const other = NOT_A_MODEL.has(error.code) ? notAModel(bytes) : undefined;
    throw (other ?? error).within({ file: options.file });
  }
}

/** What a file of another kind is refused with, until it is seen what it looks like. */
const NOT_A_MODEL: ReadonlySet<ErrorCode> = new Set(['onnx/depth', 'onnx/not-a-model', 'onnx/truncated', 'onnx/wire']);

const noGraph = (size: number): CnnxError =>
  new CnnxError('onnx/not-a-model', `${size} bytes of valid protobuf, but no graph among them`, {
    hint: 'an ONNX model was expected',
  });

/** A tensor in a file of its own, as ONNX's test data has them (input_0.pb). Throws as `readOnnx` does. */
export function tensorFromProto(source: Uint8Array | ByteSource): OnnxTensor {
  const bytes = source instanceof Uint8Array ? memorySource(source) : source;
  return new OnnxTensor(decode(bytes, 'TensorProto', LIMITS));
}

class Reader implements Pick<AttrContext, 'tensor'> {
  constructor(
    readonly limits: Limits,
    readonly external: ExternalData | undefined,
    readonly decoded: Message<'ModelProto'>,
  ) {}

  tensor(m: Message<'TensorProto'>): OnnxTensor {
    return new OnnxTensor(m, this.limits, this.external);
  }

  model(): Model {
    const m = this.decoded;
    const f = m.fields;
    const model = new Model();
    readFields(model, m, MODEL);
    mutable(model).functions = (f.functions ?? []).map((fn) => this.function(model, fn));
    if (f.graph) this.graph(f.graph, model.graph);
    return model;
  }

  function(model: Model, m: Message<'FunctionProto'>): FunctionDef {
    const f = m.fields;
    const fn = new FunctionDef(model);
    readFields(fn, m, FUNCTION);
    const { body } = fn;
    mutable(fn).attributeDefaults = (f.attribute_proto ?? []).map((a) => this.attr(a, body));
    setGraphInputs(
      body,
      (f.input ?? []).map((name) => defineValue(body, name)),
    );
    this.nodes(body, f.node ?? [], (f.value_info ?? []).map(readInfo), () =>
      (f.output ?? []).map((name) => resolve(body, name)),
    );
    return fn;
  }

  /**
   * First everything that the graph defines, then what its nodes read: a subgraph may stand before the node that makes
   * what it captures.
   */
  graph(m: Message<'GraphProto'>, graph: Graph): void {
    const f = m.fields;
    readFields(graph, m, GRAPH);
    const inputs = (f.input ?? []).map(readInfo).map((info) => {
      const value = defineValue(graph, info.name);
      mutable(value).type = info.type;
      mutable(graph).inputInfos.set(value, info);
      return value;
    });
    setGraphInputs(graph, inputs);
    this.initializers(graph, f);
    const outputs = (f.output ?? []).map(readInfo);
    mutable(graph).outputInfos = outputs;
    this.nodes(graph, f.node ?? [], (f.value_info ?? []).map(readInfo), () =>
      outputs.map((info) => {
        const value = resolve(graph, info.name);
        if (value.graph === graph) mutable(value).type ??= info.type;
        return value;
      }),
    );
  }

  initializers(graph: Graph, f: Message<'GraphProto'>['fields']): void {
    for (const m of f.initializer ?? []) {
      const data = this.tensor(m);
      const value = initialized(graph, m.fields.name ?? '');
      mutable(value).initializer = data;
      mutable(value).type ??= { kind: 'tensor', dtype: data.dtype, shape: data.shape };
      mutable(graph).initializers.add(value);
    }
    for (const m of f.sparse_initializer ?? []) {
      const data = readSparse(m, this);
      const value = initialized(graph, data.name ?? '');
      mutable(value).sparseInitializer = data;
      mutable(value).type ??= { kind: 'tensor', dtype: data.values.dtype, shape: data.dims };
      mutable(graph).sparseInitializers.add(value);
    }
  }

  nodes(
    graph: Graph,
    messages: Iterable<Message<'NodeProto'>>,
    infos: readonly ValueInfo[],
    outputs: () => readonly Value[],
  ): void {
    // Once one has to wait for what is defined further on, or holds graphs, all that come after it wait too: uses keep
    // the order of the file.
    const waiting: (() => void)[] = [];
    for (const m of messages) {
      const node = makeNode(graph, m);
      const { input: names = [], attribute } = m.fields;
      const hasGraphs = attribute?.some((a) => a.fields.g ?? a.fields.graphs) ?? false;
      if (!hasGraphs) this.attrs(node, attribute);
      const connect = (): void =>
        setInputs(
          node,
          names.map((name) => (name === '' ? undefined : resolve(graph, name))),
        );
      if (waiting.length === 0 && !hasGraphs && names.every((name) => name === '' || graph.values.has(name))) connect();
      else
        waiting.push(() => {
          connect();
          if (hasGraphs) this.attrs(node, attribute);
        });
    }
    graph.lists.setInfos(infos);
    for (const info of infos) {
      const value = graph.values.get(info.name);
      if (value) mutable(value).type ??= info.type;
    }
    for (const connect of waiting) connect();
    setGraphOutputs(graph, outputs());
  }

  /** Of several attributes with one name the last counts, where it stands; the others are preserved. */
  attrs(node: Node, messages: readonly Message<'AttributeProto'>[] | undefined): void {
    if (!messages) return;
    const byName = new Map(messages.map((m) => [m.fields.name ?? '', m]));
    const counts = (m: Message<'AttributeProto'>): boolean => byName.get(m.fields.name ?? '') === m;
    setAttrs(
      node,
      messages.filter(counts).map((m) => this.attr(m, node)),
    );
    if (byName.size === messages.length) return;
    preserveAlso(node, 'NodeProto', { attribute: messages.filter((m) => !counts(m)) });
  }

  attr(m: Message<'AttributeProto'>, owner: Node | Graph): Attr {
    return readAttr(m, {
      tensor: (t) => this.tensor(t),
      graph: (g) => {
        // A function's default attribute has no node around it; a graph there sees what the body's would.
        const graph = new GraphClass(owner instanceof Node ? owner : new Node(owner, ''));
        this.graph(g, graph);
        return graph;
      },
    });
  }
}

/** The input that an initializer gives a value to, or a value of its own. */
function initialized(graph: Graph, name: string): Value {
  const before = graph.values.get(name);
  return before && !before.initializer && !before.sparseInitializer ? before : defineValue(graph, name);
}

function makeNode(graph: Graph, m: Message<'NodeProto'>): Node {
  const f = m.fields;
  const node = new Node(graph, f.op_type ?? '');
  readFields(node, m, NODE);
  // An operator type is always there in the IR: an empty one in the file is preserved to tell it from none.
  if (f.op_type === '') preserveAlso(node, 'NodeProto', { op_type: '' });
  setOutputs(
    node,
    (f.output ?? []).map((name) => (name === '' ? undefined : defineValue(graph, name))),
  );
  linkNode(node);
  return node;
}

/**
 * The value that a name means in a graph: the innermost that defines it. A name without any definition becomes an
 * undefined value.
 */
function resolve(graph: Graph, name: string): Value {
  for (let g: Graph | undefined = graph; g; g = g.parent) {
    const value = g.values.get(name);
    if (value) return value;
  }
  return defineValue(graph, name);
}
