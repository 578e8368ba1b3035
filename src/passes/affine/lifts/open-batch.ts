import type { Node, Value } from '../../../graph/ir.js';
import type { Dim } from '../../../graph/types.js';
import {
  Add,
  Cast,
  Concat,
  constantOf,
  Equal,
  Expand,
  Gather,
  Identity,
  Mul,
  Range,
  Reshape,
  ShapeOp,
  Slice,
  sliceParams,
  Squeeze,
  squeezeAxes,
  Sub,
  Unsqueeze,
  unsqueezeAxes,
  Where,
} from '../../../ops/index.js';
import { shapeOf } from '../../../ops/tensors.js';
import { asFloat64, isNumeric } from '../../../tensor/tensor.js';
import type { Grid } from '../move/grid.js';
import { selected } from '../move/pieces.js';
import {
  along,
  chosen,
  dropped,
  equal,
  expanded,
  filled,
  fixed,
  inserted,
  joined,
  linear,
  MAX_ELEMENTS,
  numbersOf,
  type Open,
  product,
  range,
  reshaped,
  sizeOf,
  viewed,
} from './open-integers.js';

/*
 * What exporters write to address a tensor whose batch is not known: integers that are computed from its sizes. Each is a sum of a constant, a multiple
 * of the batch size n, and a multiple of the index b along the batch; the operators below keep it one, so that one evaluation holds for every n.
 */

/** Nodes evaluated for one border. */
const MAX_NODES = 512;

/** Evaluates values that are computed from sizes. `batch` is the name of the batch's size. */
export class OpenBatch {
  readonly #known = new Map<Value, Open | undefined>();
  /** The nodes that were evaluated, each after those that it reads. */
  readonly nodes: Node[] = [];

  #depth = 0;

  constructor(private readonly batch: Dim) {}

  get isOpen(): boolean {
    return this.batch !== undefined;
  }

  /** Undefined where a value depends on more than the sizes, or in another way. */
  of(value: Value): Open | undefined {
    if (this.#known.has(value)) return this.#known.get(value);
    const held = constantOf(value);
    const { producer } = value;
    let result: Open | undefined;
    if (held) {
      if (isNumeric(held.dtype) && sizeOf(held.shape) <= MAX_ELEMENTS)
        result = fixed({ shape: held.shape, values: asFloat64(held) });
    } else if (producer && producer.domain === '' && this.nodes.length + this.#depth < MAX_NODES) {
      // A circle cannot come back here: its value is known to be nothing by then.
      this.#known.set(value, undefined);
      this.#depth += 1;
      result = this.#evaluated(producer);
      this.#depth -= 1;
      this.nodes.push(producer);
    }
    this.#known.set(value, result);
    return result;
  }

  #evaluated(node: Node): Open | undefined {
    if (node.is(ShapeOp)) return this.#sizes(node.in.x, node.attr.start, node.attr.end);
    const inputs = node.inputs.map((v) => v && this.of(v));
    const [a, b, c] = inputs;
    if (!a) return undefined;
    if (node.is(Cast) || node.is(Identity)) return a;
    if (node.is(Add)) return b && linear(a, b, 1);
    if (node.is(Sub)) return b && linear(a, b, -1);
    if (node.is(Mul)) return b && product(a, b);
    if (node.is(Equal)) return b && equal(a, b);
    if (node.is(Where)) return b && c && chosen(a, b, c);
    if (node.is(Range)) return b && c && range(a, b, c);
    if (node.is(Expand)) return b && expanded(a, b);
    if (node.is(Reshape)) return b && reshaped(a, b);
    if (node.is(Gather)) return b && along(a, node.attr.axis, numbersOf(b), b.constant.shape.length === 0);
    if (node.is(Concat)) return joined(inputs, node.attr.axis);
    const shape = a.constant.shape;
    if (node.is(Unsqueeze)) return viewed(a, inserted(shape, unsqueezeAxes(node)));
    if (node.is(Squeeze)) return viewed(a, dropped(shape, squeezeAxes(node)));
    if (!node.is(Slice)) return undefined;
    const ranges = sliceParams(node);
    return ranges?.axes.reduce<Open | undefined>((x, axis, i) => {
      const [start = 0, end = 0, step = 1] = [ranges.starts[i], ranges.ends[i], ranges.steps[i]];
      return x && axis !== x.batch && step !== 0
        ? along(x, axis, selected(start, end, step, x.constant.shape[axis] ?? 1), false)
        : undefined;
    }, a);
  }

  /** The sizes of a value: numbers, and n. Slices of what is looked at are evaluated with it. */
  #sizes(x: Value, start: number, end: number | undefined): Open | undefined {
    const dims = shapeOf(x)?.slice(start, end);
    if (x.producer?.is(Slice)) this.nodes.push(x.producer);
    if (!dims?.every((d) => typeof d === 'number' || (d !== undefined && d === this.batch))) return undefined;
    const of = (f: (d: Dim) => number): Grid => ({ shape: [dims.length], values: Float64Array.from(dims, f) });
    const constant = of((d) => (typeof d === 'number' ? d : 0));
    return {
      constant,
      perSize: of((d) => (typeof d === 'number' ? 0 : 1)),
      perIndex: filled([dims.length]),
      batch: undefined,
    };
  }
}
