import type { Editor } from '../../../graph/edit.js';
import type { Node, Value } from '../../../graph/ir.js';
import type { NodeOf } from '../../../graph/op-def.js';
import { constantOf, Conv, DequantizeLinear, Gemm } from '../../../ops/index.js';
import { rankOf } from '../../../ops/tensors.js';
import { bytesOf } from '../../../tensor/dtype.js';
import { asFloat64, type Tensor, tensor } from '../../../tensor/tensor.js';
import { usedOnce } from '../../match.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { channelVector, floatType } from '../constants.js';
import type { FloatType } from '../form.js';
import { rounded } from '../weights.js';
import type { Affine } from './affine.js';
import { vectorAlong } from './grid.js';

/** A node whose scales are written anew. */
export interface Rescaled {
  readonly root: Node;
  readonly write: (edit: Editor) => void;
}

interface Scales {
  readonly scale: Tensor;
  /** Undefined where the zero points stay. */
  readonly zero: Tensor | undefined;
}

/**
 * s * Conv(x, (q - z) * d, b) + t = Conv(x, (q - z) * (s * d), s * b + t): the scales of a quantised weight take the scale, one for each output channel;
 * its integers stay. Only scales above zero: runtimes take those of quantised weights to be positive.
 */
export function absorbQuantized(value: Value, affine: Affine): Rescaled | Skip {
  const root = value.producer;
  if (!root || !(root.is(Conv) || (root.is(Gemm) && isPlain(root)))) return notApplicable('no-absorber');
  const [, weight, bias] = root.inputs;
  const dequantize = weight?.producer;
  if (!weight || !dequantize?.is(DequantizeLinear)) return notApplicable('no-absorber');
  const stored = constantOf(dequantize.in.x);
  const outputs = stored?.shape[0];
  const rank = rankOf(value);
  if (!stored || outputs === undefined || rank === undefined) return skip('weight-computed');
  if (!usedOnce(weight)) return skip('used-elsewhere');
  const factor = vectorAlong(affine.scale, 1, outputs);
  const moved = vectorAlong(affine.shift, 1, outputs);
  if (!factor || !moved) return skip('not-per-channel-here');
  if (factor.some((f) => f <= 0)) return skip('scale-negative');
  const scales = scaledBy(dequantize, factor);
  if (isSkip(scales)) return scales;
  const type = floatType(scales.scale);
  const own = bias ? channelVector(bias, outputs) : undefined;
  if (isSkip(own)) return own;
  if (!type) return skip('weight-not-float');
  const sum = moved.map((m, o) => m + (factor[o] ?? 0) * (own?.values[o] ?? 0));
  const total = own || sum.some((v) => v !== 0) ? rounded(type, [outputs], sum) : undefined;
  if (isSkip(total)) return total;
  return { root, write: (edit) => rewrite(edit, root, dequantize, { ...scales, bias: total }) };
}

const isPlain = ({ attr }: NodeOf<typeof Gemm>): boolean =>
  attr.alpha === 1 && attr.beta === 1 && attr.transA === 0 && attr.transB !== 0;

/** The scales of a weight, one for each entry of axis 0, times a factor for each; its zero points as many. */
function scaledBy(node: NodeOf<typeof DequantizeLinear>, factor: Float64Array): Scales | Skip {
  const scale = constantOf(node.in.scale);
  const zero = node.in.zero_point ? constantOf(node.in.zero_point) : undefined;
  const type = scale && floatType(scale);
  if (!scale || !type || (node.in.zero_point && !zero)) return skip('parameter-computed');
  const single = scale.shape.length === 0;
  const known = asFloat64(scale);
  if (node.attr.block_size !== 0 || scale.shape.length > 1) return skip('parameter-length');
  if (!single && (node.attr.axis !== 0 || known.length !== factor.length)) return skip('parameter-length');
  // Below opset 13 there is one scale for all.
  if (single && (node.opset ?? 0) < 13) return skip('parameter-length');
  const made = rounded(
    type satisfies FloatType,
    [factor.length],
    factor.map((f, o) => f * (known[single ? 0 : o] ?? 0)),
  );
  if (isSkip(made)) return made;
  if (!single || !zero) return { scale: made, zero: undefined };
  // Types of less than a byte are not repeated.
  return bytesOf(zero.dtype, 2) === 2 * bytesOf(zero.dtype, 1)
    ? { scale: made, zero: repeated(zero, factor.length) }
    : skip('parameter-length');
}

/** A scalar as one for each channel. */
function repeated(zero: Tensor, count: number): Tensor {
  const bytes = zero.bytes();
  const size = bytesOf(zero.dtype, 1);
  const out = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) out.set(bytes, i * size);
  return tensor(zero.dtype, [count], out);
}

function rewrite(
  edit: Editor,
  root: Node,
  old: NodeOf<typeof DequantizeLinear>,
  { scale, zero, bias }: Scales & { readonly bias: Tensor | undefined },
): void {
  const { graph } = old;
  const names: (readonly [Value, string])[] = [];
  const constant = (t: Tensor, name: string): Value => {
    const value = edit.constant(graph, t, name);
    names.push([value, name]);
    return value;
  };
  const scales = constant(scale, old.in.scale.name);
  const zeros = zero && old.in.zero_point ? constant(zero, old.in.zero_point.name) : old.in.zero_point;
  edit.replace(
    old,
    DequantizeLinear,
    { x: old.in.x, scale: scales, zero_point: zeros },
    { axis: 0 },
    { attrsFrom: old },
  );
  if (bias) {
    const b = constant(bias, root.inputs[2]?.name ?? 'merged.bias');
    if (root.inputs.length > 2) edit.setInput(root, 2, b);
    else edit.setInputList(root, [...root.inputs, b]);
  }
  // The names of what they replace, once that is gone.
  for (const [value, name] of names) if (value.name !== name && !graph.values.has(name)) edit.rename(value, name);
}
