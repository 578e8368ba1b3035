import type { Node, Value } from '../graph/ir.js';
import {
  Abs,
  Add,
  AveragePool,
  type Bounds,
  clipBounds,
  Concat,
  constantOf,
  Exp,
  Flatten,
  Gather,
  GlobalAveragePool,
  GlobalMaxPool,
  HardSigmoid,
  MaxPool,
  Mul,
  Relu,
  Reshape,
  Sigmoid,
  Slice,
  Slice1,
  Softmax,
  Softmax1,
  Softplus,
  Split,
  Split13,
  Split2,
  Sqrt,
  Squeeze,
  Squeeze1,
  Transpose,
  Unsqueeze,
  Unsqueeze1,
} from '../ops/index.js';
import { elementCount } from '../tensor/dtype.js';
import { asFloat64, isFloat } from '../tensor/tensor.js';

/** How many nodes above a value are asked for what it may be. */
const MAX_ASKED = 32;
/** Constants with more elements than this are not searched. */
const MAX_SEARCHED = 1 << 16;

const ANY: Bounds = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
const NOT_NEGATIVE: Bounds = { min: 0, max: Number.POSITIVE_INFINITY };
const UNIT: Bounds = { min: 0, max: 1 };

const NEVER_NEGATIVE = [Abs, Exp, Relu, Softplus, Sqrt] as const;
const IN_UNIT = [HardSigmoid, Sigmoid, Softmax, Softmax1] as const;
const SPLITS = [Split, Split13, Split2] as const;
/** Their results are elements of their first input. */
const SAME_RANGE = [
  Flatten,
  Gather,
  GlobalMaxPool,
  MaxPool,
  Reshape,
  Slice,
  Slice1,
  ...SPLITS,
  Squeeze,
  Squeeze1,
  Transpose,
  Unsqueeze,
  Unsqueeze1,
] as const;

/** What the elements of a value are proven to lie between, as far as a short look up the graph shows; a NaN may stand anywhere. */
export function rangeOf(value: Value): Bounds {
  let left = MAX_ASKED;
  const ask = (v: Value | undefined): Bounds => {
    if (!v || left-- <= 0) return ANY;
    const { producer } = v;
    if (!producer || constantOf(v)) return rangeHeld(v);
    // Indices of a MaxPool and the like are no elements.
    return v === producer.outputs[0] || SPLITS.some((op) => producer.is(op)) ? rangeMade(producer, ask) : ANY;
  };
  return ask(value);
}

function rangeHeld(value: Value): Bounds {
  const held = constantOf(value);
  if (!held || !isFloat(held.dtype) || elementCount(held.shape) > MAX_SEARCHED) return ANY;
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of asFloat64(held)) {
    if (Number.isNaN(x)) return ANY;
    [min, max] = [Math.min(min, x), Math.max(max, x)];
  }
  return min <= max ? { min, max } : ANY;
}

function rangeMade(node: Node, ask: (v: Value | undefined) => Bounds): Bounds {
  if (NEVER_NEGATIVE.some((op) => node.is(op))) return NOT_NEGATIVE;
  if (IN_UNIT.some((op) => node.is(op))) return UNIT;
  const clip = clipBounds(node);
  if (clip) return clip.min <= clip.max ? clip : ANY;
  if (SAME_RANGE.some((op) => node.is(op))) return ask(node.inputs[0]);
  if (node.is(AveragePool) || node.is(GlobalAveragePool)) return sign([node.in.x], ask);
  if (node.is(Concat)) return node.in.xs.map(ask).reduce(around);
  if (node.is(Add)) return sign([node.in.a, node.in.b], ask);
  if (node.is(Mul)) return node.in.a === node.in.b ? NOT_NEGATIVE : sign([node.in.a, node.in.b], ask);
  return ANY;
}

/** Sums, means and products round, so that only their signs are certain. */
const sign = (of: readonly Value[], ask: (v: Value) => Bounds): Bounds =>
  of.every((v) => ask(v).min >= 0) ? NOT_NEGATIVE : ANY;

const around = (a: Bounds, b: Bounds): Bounds => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
