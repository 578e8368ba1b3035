import { Editor } from '../../graph/edit.js';
import { constantTensor, type Model, type Node } from '../../graph/ir.js';
import { isTensorType } from '../../graph/types.js';
import {
  batchNorm,
  Add,
  Conv,
  Div,
  Flatten,
  Gemm,
  GlobalAveragePool,
  Mul,
  ReduceMean,
  ReduceMean1,
  reduceAxes,
  Sigmoid,
  Sub,
  Sum,
  Swish,
} from '../../ops/index.js';
import { asFloat64, fromFloat64, type Tensor } from '../../tensor/tensor.js';
import { isFloat32 } from './units.js';

/**
 * Writes what has no integer kernel as what has one, in a float model whose types are known: a BatchNormalization as a depthwise 1x1 convolution, a mean over space as
 * GlobalAveragePool, division and subtraction of constants as Mul and Add, Swish as x * Sigmoid(x), a Sum of two as Add.
 */
export function prepare(model: Model): void {
  const edit = new Editor(model);
  for (const node of model.graph.nodes()) {
    if (!isFloat32(node.inputs[0])) continue;
    name(node, edit);
    normToConv(node, edit);
    meanToPool(node, edit);
    constantsToSums(node, edit);
    if (node.is(Swish) && node.attr.alpha === 1) {
      const { x } = node.in;
      const gate = edit.add(node.graph, Sigmoid, { x }, {}, { before: node });
      edit.replace(node, Mul, { a: x, b: gate.out.y });
    } else if (node.is(Sum) && node.in.xs.length === 2) {
      const [a, b] = node.in.xs;
      if (a && b) edit.replace(node, Add, { a, b });
    }
  }
}

/** Layers are reported, and found again in onnxruntime's profile, by their names. */
function name(node: Node, edit: Editor): void {
  if (node.name !== undefined && node.name !== '') return;
  const options = { attrsFrom: node, name: edit.freshNodeName(node.outputs[0]?.name ?? node.opType) };
  if (node.is(Conv)) edit.replace(node, Conv, node.in, {}, options);
  else if (node.is(Gemm)) edit.replace(node, Gemm, node.in, {}, options);
}

const rankOfInput = (node: Node): number | undefined => {
  const type = node.inputs[0]?.type;
  return isTensorType(type) ? type.shape?.length : undefined;
};

function normToConv(node: Node, edit: Editor): void {
  const norm = batchNorm(node);
  if (!norm || norm.training || rankOfInput(node) !== 4 || node.outputs.slice(1).some((v) => v)) return;
  const held = [norm.scale, norm.bias, norm.mean, norm.variance].map(constantTensor);
  const [scale, bias, mean, variance] = held.map((t) => t && asFloat64(t));
  if (!scale || !bias || !mean || !variance) return;
  const factor = scale.map((s, c) => s / Math.sqrt((variance[c] ?? 0) + norm.epsilon));
  const shift = bias.map((b, c) => b - (mean[c] ?? 0) * (factor[c] ?? 0));
  const channels = factor.length;
  const w = edit.constant(node.graph, fromFloat64('float32', [channels, 1, 1, 1], factor), `${norm.scale.name}_factor`);
  const b = edit.constant(node.graph, fromFloat64('float32', [channels], shift), `${norm.bias.name}_shift`);
  edit.replace(node, Conv, { x: norm.x, w, b }, { group: channels, kernel_shape: [1, 1] });
}

function meanToPool(node: Node, edit: Editor): void {
  if (!node.is(ReduceMean) && !node.is(ReduceMean1)) return;
  const rank = rankOfInput(node);
  const axes = reduceAxes(node);
  const { x } = node.in;
  if (rank === undefined || rank < 3 || axes?.join() !== Array.from({ length: rank - 2 }, (_, i) => i + 2).join())
    return;
  if (node.attr.keepdims !== 0) {
    edit.replace(node, GlobalAveragePool, { x });
    return;
  }
  const pool = edit.add(node.graph, GlobalAveragePool, { x }, {}, { before: node });
  edit.replace(node, Flatten, { x: pool.out.y }, { axis: 1 });
}

/** x / c and x - c. */
function constantsToSums(node: Node, edit: Editor): void {
  if (!node.is(Div) && !node.is(Sub)) return;
  const { a, b } = node.in;
  const held = constantTensor(b);
  if (held?.dtype !== 'float32' || constantTensor(a)) return;
  const values = asFloat64(held);
  const divides = node.is(Div);
  if (divides && values.includes(0)) return;
  const other: Tensor = fromFloat64(
    'float32',
    held.shape,
    values.map((v) => (divides ? 1 / v : -v)),
  );
  const c = edit.constant(node.graph, other, `${b.name}_${divides ? 'inverse' : 'negative'}`);
  edit.replace(node, divides ? Mul : Add, { a, b: c });
}
