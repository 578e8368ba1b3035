import { never } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { elementCount } from '../tensor/dtype.js';
import { generatedTensor } from '../tensor/generated.js';
import { lazyTensor, rangeTensor, type Tensor } from '../tensor/tensor.js';
import type { Distribution } from './distributions.js';

export type ParamKind =
  | 'conv.weight'
  | 'conv.bias'
  | 'linear.weight'
  | 'linear.bias'
  | 'norm.weight'
  | 'norm.bias'
  | 'norm.running_mean'
  | 'norm.running_var'
  | 'norm.num_batches_tracked'
  | 'layer_scale';

/** Where a parameter stands in the graph: a whole initializer, or (paths) the rows from `from` on of a larger tensor. */
export interface Placement {
  readonly value: Value;
  readonly from: number;
  readonly rows: number;
}

/** One entry of a network's state dict. */
export interface Param {
  /** The state-dict key. */
  readonly name: string;
  readonly dtype: 'float32' | 'int64';
  readonly shape: readonly number[];
  readonly kind: ParamKind;
  /** What it is drawn from at a fresh start. */
  readonly distribution: Distribution;
  /** Empty for what an inference graph does not hold (`num_batches_tracked`). */
  readonly placements: readonly Placement[];
}

/** Whether an optimiser would change it: buffers are not parameters. */
export function isTrainable(param: Param): boolean {
  switch (param.kind) {
    case 'conv.weight':
    case 'conv.bias':
    case 'linear.weight':
    case 'linear.bias':
    case 'norm.weight':
    case 'norm.bias':
    case 'layer_scale':
      return true;
    case 'norm.running_mean':
    case 'norm.running_var':
    case 'norm.num_batches_tracked':
      return false;
    default:
      return never(param.kind);
  }
}

export const countParams = (params: Iterable<Param>): number => {
  let count = 0;
  for (const p of params) if (isTrainable(p)) count += elementCount(p.shape);
  return count;
};

/** Writes elements `from`, `from` + 1, ... of a float32 parameter into `out`. */
export type Fill = (out: Float32Array, param: Omit<Param, 'placements'>, from: number) => void;

/** Rows `from` to `from + rows` of a parameter's fill, made when its bytes are asked for: a part of them without the rest, nothing kept. */
export function filledTensor(
  param: Omit<Param, 'placements'>,
  fill: Fill,
  from = 0,
  rows = param.shape[0] ?? 1,
): Tensor {
  const first = from * elementCount(param.shape.slice(1));
  return generatedTensor([rows, ...param.shape.slice(1)], (out, at) => fill(out, param, first + at));
}

/** Rows of a tensor with at least one axis, as a view of its bytes. */
export function rowsOf(t: Tensor, from: number, rows: number): Tensor {
  const stride = t.byteLength / Math.max(1, t.shape[0] ?? 1);
  const shape = [rows, ...t.shape.slice(1)];
  if (t.range) return rangeTensor(t.dtype, shape, t.range.slice(from * stride, rows * stride));
  return lazyTensor(t.dtype, shape, () => t.bytes().subarray(from * stride, (from + rows) * stride));
}
