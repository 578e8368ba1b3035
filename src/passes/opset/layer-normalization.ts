import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import {
  Add,
  Cast,
  Div,
  LayerNormalization,
  Mul,
  Reciprocal,
  ReduceMean,
  ReduceMean1,
  RMSNormalization,
  Sqrt,
  Sub,
} from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { dtypeCode } from '../../tensor/dtype.js';
import { floatTypeOf, scalar } from './activation.js';
import { int64Constant, isUsed, of, type OpsetChange, refuse } from './step.js';

/* Layer and RMS normalisation, written out by ONNX's own definitions of them: statistics in float32, the rest in the type of x. */

interface Written {
  readonly x: Value;
  readonly rank: number;
  readonly axis: number;
  readonly epsilon: number;
}

/** Builds expressions in front of a node. */
class Terms {
  constructor(
    private readonly edit: Editor,
    private readonly node: Node,
    private readonly axes: readonly number[],
  ) {}

  readonly mul = (a: Value, b: Value): Value => this.edit.add(this.node.graph, Mul, { a, b }, {}, this.at).out.y;
  readonly div = (a: Value, b: Value): Value => this.edit.add(this.node.graph, Div, { a, b }, {}, this.at).out.y;
  readonly sub = (a: Value, b: Value): Value => this.edit.add(this.node.graph, Sub, { a, b }, {}, this.at).out.y;

  get at(): { readonly before: Node } {
    return { before: this.node };
  }

  cast(x: Value, to: 'float32' | 'float16' | 'bfloat16'): Value {
    return this.edit.add(this.node.graph, Cast, { x }, { to: dtypeCode(to) }, this.at).out.y;
  }

  mean(x: Value): Value {
    const { edit, node, axes } = this;
    if ((node.opset ?? 0) < 18) return edit.add(node.graph, ReduceMean1, { x }, { axes, keepdims: 1 }, this.at).out.y;
    const listed = int64Constant(edit, node, axes, 'axes');
    return edit.add(node.graph, ReduceMean, { x, axes: listed }, { keepdims: 1 }, this.at).out.y;
  }

  /** sqrt(mean(x * x) + epsilon) of values in float32. */
  deviation(x: Value, epsilon: number): Value {
    const { edit, node } = this;
    const square = this.mean(this.mul(x, x));
    const raised = edit.add(
      node.graph,
      Add,
      { a: square, b: scalar(edit, node, 'float32', epsilon, 'epsilon') },
      {},
      this.at,
    ).out.y;
    return edit.add(node.graph, Sqrt, { x: raised }, {}, this.at).out.y;
  }
}

const axesFrom = ({ rank, axis }: Written): readonly number[] => {
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank - first }, (_, i) => first + i);
};

const FLOAT32 = dtypeCode('float32');

export const LAYER_CHANGES: readonly OpsetChange[] = [
  {
    op: 'LayerNormalization',
    version: 17,
    changes: 'came; written out before',
    down: of(LayerNormalization, (node) => {
      const { x, scale, bias } = node.in;
      const { mean, inverse_deviation } = node.out;
      const { axis, epsilon, stash_type } = node.attr;
      const [rank, dtype] = [shapeOf(x)?.length, floatTypeOf(x)];
      if (rank === undefined || !dtype) return refuse('its rank or its element type is not known');
      if (stash_type !== FLOAT32 || dtype === 'float64') return refuse('its statistics have another type than float32');
      if (isUsed(mean) || isUsed(inverse_deviation)) return refuse('its statistics are used as outputs');
      const written = { x, rank, axis, epsilon };
      return (edit) => {
        edit.dropOutputs(node, 1);
        const t = new Terms(edit, node, axesFrom(written));
        const wide = dtype === 'float32' ? x : t.cast(x, 'float32');
        const centred = t.sub(wide, t.mean(wide));
        const normal = t.div(centred, t.deviation(centred, epsilon));
        const narrow = dtype === 'float32' ? normal : t.cast(normal, dtype);
        if (!bias) return void edit.replace(node, Mul, { a: narrow, b: scale });
        edit.replace(node, Add, { a: t.mul(narrow, scale), b: bias });
      };
    }),
  },
  {
    op: 'RMSNormalization',
    version: 23,
    changes: 'came; written out before',
    down: of(RMSNormalization, (node) => {
      const { x, scale } = node.in;
      const { axis, epsilon, stash_type } = node.attr;
      const [rank, dtype] = [shapeOf(x)?.length, floatTypeOf(x)];
      if (rank === undefined || !dtype) return refuse('its rank or its element type is not known');
      if (floatTypeOf(scale) !== dtype) return refuse('its scale has another element type');
      if (stash_type !== FLOAT32 || dtype === 'float64') return refuse('its statistics have another type than float32');
      return (edit) => {
        const t = new Terms(edit, node, axesFrom({ x, rank, axis, epsilon }));
        const wide = dtype === 'float32' ? x : t.cast(x, 'float32');
        const inverse = edit.add(node.graph, Reciprocal, { x: t.deviation(wide, epsilon) }, {}, t.at).out.y;
        const normal = t.mul(wide, inverse);
        const narrow = dtype === 'float32' ? normal : t.cast(normal, dtype);
        edit.replace(node, Mul, { a: narrow, b: scale });
      };
    }),
  },
];
