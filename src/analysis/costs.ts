import { everyGraph } from '../graph/edit.js';
import { inferShapes, withTypesKept } from '../graph/infer.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import { nodeLabel } from '../graph/order.js';
import { type Dim, isTensorType, type Shape, staticShape, type ValueType } from '../graph/types.js';
import {
  Conv,
  ConvInteger,
  ConvTranspose,
  DynamicQuantizeMatMul,
  FusedConv,
  Gemm,
  MatMul,
  MatMulInteger,
  MatMulIntegerToFloat,
  QGemm,
  QLinearConv,
  QLinearMatMul,
  registry,
} from '../ops/index.js';
import { bytesOf, elementCount } from '../tensor/dtype.js';
import { parametersOf } from './parameters.js';
import { peakBytes } from './peak.js';

/** What the sizes that a model leaves open are taken to be. */
export interface CostOptions {
  /** Sizes of named dimensions of the inputs. Those not given here, and unnamed ones, count as 1: one image. */
  readonly dims?: ReadonlyMap<string, number> | undefined;
}

/** The costs of one node. */
interface Counts {
  /** Elements of the weights that this node is the first to use. */
  readonly parameters: number;
  readonly buffers: number;
  /** Undefined where a shape that they depend on is not known. */
  readonly macs: number | undefined;
  readonly activations: number | undefined;
}

/** What one node costs. */
export interface NodeCost extends Counts {
  readonly node: string;
  readonly op: string;
  /** The first output: its name and what is known of its shape. */
  readonly output: string | undefined;
  readonly shape: Shape | undefined;
}

/** What a whole model costs. */
export interface CostTotals {
  readonly parameters: number;
  readonly buffers: number;
  readonly macs: number;
  readonly activations: number;
  readonly weightBytes: number;
  /** Undefined where a value's size is not known. */
  readonly peakActivationBytes: number | undefined;
  /** Nodes whose multiply-accumulates could not be counted, and calls of functions, which are not looked into. */
  readonly uncounted: readonly string[];
}

/** What a model costs, as a whole and node by node. */
export interface ModelCosts extends CostTotals {
  /** In the order of the file, those in subgraphs after the node that holds them. */
  readonly nodes: readonly NodeCost[];
}

/**
 * What a model costs for one input.
 *
 * - `parameters`: elements of weights and biases, each counted once, quantised ones too; `buffers`: the mean and variance of BatchNormalization, which
 *   training does not learn, and which are not in `parameters`. See parameters.ts.
 * - `macs`: multiply-accumulates of convolutions and matrix products, quantised ones too. Biases, normalisation, activations and pooling are not
 *   counted.
 * - `activations`: elements of the outputs of convolutions (Radosavovic et al., arXiv:2003.13678).
 * - `weightBytes`: all initializers. `peakActivationBytes`: the most that inputs, outputs and intermediate values take at once when nodes run in
 *   the file's order and each value is let go after its last use; an estimate, since runtimes reorder, fuse and work in place.
 *
 * Every branch of a subgraph counts once. Does not change the model.
 */
export function costs(model: Model, options: CostOptions = {}): ModelCosts {
  const nodes: NodeCost[] = [];
  const totals = count(model, options, (node, counts) => nodes.push(costOf(node, counts)));
  return { nodes, ...totals };
}

/** The same without the list of nodes, which takes more memory than the nodes of a large graph do. */
export const totalCosts = (model: Model, options: CostOptions = {}): CostTotals => count(model, options, () => {});

function count(
  model: Model,
  { dims = new Map() }: CostOptions,
  each: (node: Node, counts: Counts) => void,
): CostTotals {
  return withTypesKept(model, () => {
    inferShapes(model, registry, { values: sizedInputs(model, dims) });
    return countNodes(model, each);
  });
}

function countNodes(model: Model, each: (node: Node, counts: Counts) => void): CostTotals {
  const seen = new Set<Value>();
  const called = new Set(model.functions.map((f) => `${f.domain ?? ''}:${f.name ?? ''}`));
  const isCall = (node: Node): boolean => called.size > 0 && called.has(`${node.declaredDomain ?? ''}:${node.opType}`);
  const totals = { parameters: 0, buffers: 0, macs: 0, activations: 0, weightBytes: 0 };
  const uncounted: string[] = [];
  for (const graph of everyGraph(model)) {
    if (graph.root !== model) continue;
    totals.weightBytes += weightBytesOf(graph);
    for (const node of graph.nodes()) {
      const counts = countsOf(node, seen);
      totals.parameters += counts.parameters;
      totals.buffers += counts.buffers;
      totals.macs += counts.macs ?? 0;
      totals.activations += counts.activations ?? 0;
      if (counts.macs === undefined || isCall(node)) uncounted.push(nodeLabel(node));
      each(node, counts);
    }
  }
  return { ...totals, peakActivationBytes: peakBytes(model.graph, valueBytes), uncounted };
}

/** The input types with names replaced by sizes. */
function sizedInputs(model: Model, dims: ReadonlyMap<string, number>): Map<Value, ValueType> {
  const sized = new Map<Value, ValueType>();
  const size = (d: Dim): number => (typeof d === 'number' ? d : ((d === undefined ? undefined : dims.get(d)) ?? 1));
  for (const input of model.graph.inputs) {
    const type = model.graph.inputInfos.get(input)?.type;
    if (!input.initializer && isTensorType(type) && type.shape)
      sized.set(input, { ...type, shape: type.shape.map(size) });
  }
  return sized;
}

function weightBytesOf(graph: Graph): number {
  let bytes = 0;
  for (const value of graph.initializers) bytes += value.initializer?.byteLength ?? 0;
  for (const { sparseInitializer: sparse } of graph.sparseInitializers)
    bytes += (sparse?.values.byteLength ?? 0) + (sparse?.indices.byteLength ?? 0);
  return bytes;
}

function countsOf(node: Node, seen: Set<Value>): Counts {
  const convolves = node.is(Conv) || node.is(ConvTranspose) || quantisedConv(node) !== undefined;
  const [y] = node.outputs;
  return { ...parametersOf(node, seen), macs: macsOf(node), activations: convolves && y ? elements(y) : 0 };
}

function costOf(node: Node, counts: Counts): NodeCost {
  const output = node.outputs.find((v) => v !== undefined);
  const type = output?.type;
  const shape = isTensorType(type) ? type.shape : undefined;
  return { node: nodeLabel(node), op: node.opType, output: output?.name, shape, ...counts };
}

const elements = (value: Value): number | undefined => {
  const shape = staticShape(value.type);
  return shape && elementCount(shape);
};

/** The result and the weight of a convolution of quantised tensors. */
function quantisedConv(node: Node): { readonly y: Value; readonly w: Value } | undefined {
  if (node.is(QLinearConv) || node.is(ConvInteger) || node.is(FusedConv)) return { y: node.out.y, w: node.in.w };
  return undefined;
}

/** The result of a product of matrices, and how many elements each of its sums has. */
function product(node: Node): { readonly y: Value; readonly inner: readonly number[] | undefined } | undefined {
  if (node.is(Gemm) || node.is(QGemm))
    return {
      y: node.out.y,
      inner: staticShape(node.in.a.type)
        ?.slice(node.attr.transA ? 0 : 1)
        .slice(0, 1),
    };
  for (const op of MATRIX_PRODUCTS)
    if (node.is(op)) return { y: node.out.y, inner: staticShape(node.in.a.type)?.slice(-1) };
  return undefined;
}

const MATRIX_PRODUCTS = [MatMul, QLinearMatMul, MatMulInteger, MatMulIntegerToFloat, DynamicQuantizeMatMul] as const;

const UNCOUNTED: ReadonlySet<string> = new Set([
  'Attention',
  'FusedGemm',
  'FusedMatMul',
  'MatMulNBits',
  'MultiHeadAttention',
  'NhwcFusedConv',
  'QAttention',
  'QLinearConv',
]);

function macsOf(node: Node): number | undefined {
  if (node.is(Conv)) return times(elements(node.out.y), staticShape(node.in.w.type)?.slice(1));
  // Each input element is multiplied with M/group * k1..kn weights.
  if (node.is(ConvTranspose)) return times(elements(node.in.x), staticShape(node.in.w.type)?.slice(1));
  const conv = quantisedConv(node);
  if (conv) return times(elements(conv.y), staticShape(conv.w.type)?.slice(1));
  const matrices = product(node);
  // They multiply too, and their shapes are not followed here: they are named.
  if (node.domain === 'com.microsoft' && UNCOUNTED.has(node.opType)) return undefined;
  return matrices ? times(elements(matrices.y), matrices.inner) : 0;
}

const times = (count: number | undefined, sizes: readonly number[] | undefined): number | undefined =>
  count === undefined || sizes === undefined ? undefined : count * elementCount(sizes);

function valueBytes(value: Value): number | undefined {
  const shape = staticShape(value.type);
  return shape && isTensorType(value.type) ? bytesOf(value.type.dtype, elementCount(shape)) : undefined;
}
