import { attrOf } from '../../graph/attr.js';
import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import {
  Add,
  Celu,
  Clip,
  Clip6,
  Div,
  Elu,
  Erf,
  Gelu,
  HardSigmoid,
  HardSwish,
  Mish,
  Mul,
  scalarOf,
  Sigmoid,
  Softplus,
  Swish,
  Tanh,
} from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { fromFloat64 } from '../../tensor/tensor.js';
import { isFloat32 } from './slicing.js';
import { constant, nameFor, of, type OpsetChange, refuse, setInput } from './step.js';

/* Clip, whose bounds became inputs, and activations that older versions write as several operators, by ONNX's own definitions of them. */

type Float = 'float16' | 'float32' | 'float64' | 'bfloat16';
export const floatTypeOf = (value: Value | undefined): Float | undefined => {
  const dtype = dtypeOf(value);
  return dtype === 'float32' || dtype === 'float16' || dtype === 'float64' || dtype === 'bfloat16' ? dtype : undefined;
};

/** A constant of one number, in the type of the values that it meets. */
export const scalar = (edit: Editor, node: Node, dtype: Float, value: number, what: string): Value =>
  constant(edit, node, fromFloat64(dtype, [], Float64Array.of(value)), nameFor(node, what));

const unknownType = refuse('its element type is not known');

export const ACTIVATION_CHANGES: readonly OpsetChange[] = [
  {
    op: 'Clip',
    version: 11,
    changes: 'min and max became inputs',
    up: of(Clip6, (node) => {
      const [min, max] = ['min', 'max'].map((name) => (node.attrs.has(name) ? name : undefined));
      if (!min && !max) return undefined;
      const dtype = floatTypeOf(node.in.x);
      if (!dtype) return unknownType;
      const { attr } = node;
      return (edit) => {
        edit.removeAttr(node, 'min');
        edit.removeAttr(node, 'max');
        if (min) setInput(edit, node, 1, scalar(edit, node, dtype, attr.min, 'min'));
        if (max) setInput(edit, node, 2, scalar(edit, node, dtype, attr.max, 'max'));
      };
    }),
    down: of(Clip, (node) => {
      const { x, min, max } = node.in;
      const [low, high] = [min, max].map((v) => (v ? scalarOf(v) : undefined));
      if ((min && low === undefined) || (max && high === undefined))
        return refuse('a bound is computed; before opset 11 it is an attribute');
      for (const bound of [low, high])
        if (bound !== undefined && !isFloat32(bound))
          return refuse(`the bound ${bound} is not a float32, which the attribute holds`);
      return (edit) => {
        edit.setInputList(node, [x]);
        if (low !== undefined) edit.setAttr(node, attrOf.float('min', low));
        if (high !== undefined) edit.setAttr(node, attrOf.float('max', high));
      };
    }),
  },
  {
    op: 'Celu',
    version: 12,
    changes: 'came; written as alpha * Elu(x / alpha) before',
    down: of(Celu, (node) => {
      const { x } = node.in;
      const { alpha } = node.attr;
      return (edit) => {
        const factor = scalar(edit, node, 'float32', alpha, 'alpha');
        const divided = edit.add(node.graph, Div, { a: x, b: factor }, {}, { before: node }).out.y;
        const inner = edit.add(node.graph, Elu, { x: divided }, { alpha: 1 }, { before: node }).out.y;
        edit.replace(node, Mul, { a: factor, b: inner });
      };
    }),
  },
  {
    op: 'HardSwish',
    version: 14,
    changes: 'came; written as x * HardSigmoid(x) before',
    down: of(HardSwish, (node) => {
      const { x } = node.in;
      return (edit) => {
        const gate = edit.add(node.graph, HardSigmoid, { x }, { alpha: 1 / 6, beta: 0.5 }, { before: node }).out.y;
        edit.replace(node, Mul, { a: x, b: gate });
      };
    }),
  },
  {
    op: 'Mish',
    version: 18,
    changes: 'came; written as x * Tanh(Softplus(x)) before',
    down: of(Mish, (node) => {
      const { x } = node.in;
      return (edit) => {
        const soft = edit.add(node.graph, Softplus, { x }, {}, { before: node }).out.y;
        const gate = edit.add(node.graph, Tanh, { x: soft }, {}, { before: node }).out.y;
        edit.replace(node, Mul, { a: x, b: gate });
      };
    }),
  },
  {
    op: 'Gelu',
    version: 20,
    changes: 'came; written with Erf or Tanh before',
    down: of(Gelu, (node) => {
      const { x } = node.in;
      const dtype = floatTypeOf(x);
      if (!dtype) return unknownType;
      const { approximate } = node.attr;
      return (edit) => {
        const { graph } = node;
        const number = (value: number, what: string): Value => scalar(edit, node, dtype, value, what);
        const times = (a: Value, b: Value): Value => edit.add(graph, Mul, { a, b }, {}, { before: node }).out.y;
        const plus = (a: Value, b: Value): Value => edit.add(graph, Add, { a, b }, {}, { before: node }).out.y;
        let gate: Value;
        if (approximate === 'none') {
          const scaled = edit.add(graph, Div, { a: x, b: number(Math.SQRT2, 'root') }, {}, { before: node }).out.y;
          gate = edit.add(graph, Erf, { x: scaled }, {}, { before: node }).out.y;
        } else {
          const cubed = times(times(x, x), x);
          const sum = plus(x, times(number(0.044715, 'cubic'), cubed));
          const scaled = times(number(Math.sqrt(2 / Math.PI), 'root'), sum);
          gate = edit.add(graph, Tanh, { x: scaled }, {}, { before: node }).out.y;
        }
        const raised = plus(gate, number(1, 'one'));
        edit.replace(node, Mul, { a: times(x, raised), b: number(0.5, 'half') });
      };
    }),
  },
  {
    op: 'Swish',
    version: 24,
    changes: 'came; written as x * Sigmoid(alpha * x) before',
    down: of(Swish, (node) => {
      const { x } = node.in;
      const { alpha } = node.attr;
      const dtype = floatTypeOf(x);
      if (alpha !== 1 && !dtype) return unknownType;
      return (edit) => {
        const scaled =
          alpha === 1 || !dtype
            ? x
            : edit.add(node.graph, Mul, { a: x, b: scalar(edit, node, dtype, alpha, 'alpha') }, {}, { before: node })
                .out.y;
        const gate = edit.add(node.graph, Sigmoid, { x: scaled }, {}, { before: node }).out.y;
        edit.replace(node, Mul, { a: x, b: gate });
      };
    }),
  },
];
