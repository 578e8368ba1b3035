import type { Node, Value } from '../graph/ir.js';
import { batchNorm } from '../ops/index.js';
import { type DType, elementCount } from '../tensor/dtype.js';

/*
 * What counts as a parameter, in one place: elements of weights and biases.
 *
 * Of most operators those are their floating-point initializers of rank 1 or more: scalars and integers are settings (bounds, shapes, axes). Of
 * quantised operators they are the initializers in the places named here, whatever their type; scales and zero points are settings. Each
 * initializer counts once, for the first node that uses it. The mean and variance of BatchNormalization are buffers: training does not learn
 * them. torch counts the same (`parameters()` and `buffers()`).
 */

const FLOATING: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** Inputs with data, by `domain:operator`. */
const QUANTISED: ReadonlyMap<string, readonly number[]> = new Map([
  [':ConvInteger', [0, 1]],
  [':DequantizeLinear', [0]],
  [':MatMulInteger', [0, 1]],
  [':QLinearConv', [0, 3, 8]],
  [':QLinearMatMul', [0, 3]],
  [':QuantizeLinear', [0]],
  ['com.microsoft:DequantizeLinear', [0]],
  ['com.microsoft:DynamicQuantizeMatMul', [0, 1, 4]],
  ['com.microsoft:MatMulIntegerToFloat', [0, 1, 6]],
  ['com.microsoft:QGemm', [0, 3, 6]],
  ['com.microsoft:QLinearAdd', [0, 3]],
  ['com.microsoft:QLinearAveragePool', [0]],
  ['com.microsoft:QLinearConv', [0, 3, 8]],
  ['com.microsoft:QLinearGlobalAveragePool', [0]],
  ['com.microsoft:QLinearLeakyRelu', [0]],
  ['com.microsoft:QLinearMul', [0, 3]],
  ['com.microsoft:QLinearSigmoid', [0]],
  ['com.microsoft:QLinearSoftmax', [0]],
  ['com.microsoft:QuantizeLinear', [0]],
]);

export interface ParameterCounts {
  readonly parameters: number;
  readonly buffers: number;
}

/** The parameters and buffers that a node is the first to use; they are added to `seen`. */
export function parametersOf(node: Node, seen: Set<Value>): ParameterCounts {
  const data = QUANTISED.get(`${node.domain}:${node.opType}`);
  const statistics = data ? undefined : batchNorm(node);
  let parameters = 0;
  let buffers = 0;
  for (const [i, value] of node.inputs.entries()) {
    if (!value?.initializer || seen.has(value)) continue;
    const { dtype, shape } = value.initializer;
    if (shape.length === 0 || (data ? !data.includes(i) : !FLOATING.has(dtype))) continue;
    seen.add(value);
    if (value === statistics?.mean || value === statistics?.variance) buffers += elementCount(shape);
    else parameters += elementCount(shape);
  }
  return { parameters, buffers };
}
