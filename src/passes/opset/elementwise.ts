import type { Value } from '../../graph/ir.js';
import {
  constantOf,
  Equal,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Max,
  Mean,
  Min,
  Or,
  Pow,
  Sum,
} from '../../ops/index.js';
import { dtypeOf, shapeOf } from '../../ops/tensors.js';
import { asFloat64, fromFloat64, isNumeric } from '../../tensor/tensor.js';
import { sameShape } from '../match.js';
import { floatTypeOf } from './activation.js';
import { constant, nameFor, of, type OpsetChange, refuse, setInput } from './step.js';

const broadcasts: readonly OpsetChange[] = [Max, Mean, Min, Sum].map((op) => ({
  op: op.name,
  version: 8,
  changes: 'inputs broadcast',
  down: of(op, (node) => {
    const [first, ...others] = node.in.xs.map(shapeOf);
    return others.every((shape) => sameShape(first, shape))
      ? undefined
      : refuse('its inputs are not proven to have one shape, and broadcasting came with opset 8');
  }),
}));

const comparisons: readonly OpsetChange[] = [[GreaterOrEqual, Greater] as const, [LessOrEqual, Less] as const].map(
  ([op, strict]) => ({
    op: op.name,
    version: 12,
    changes: `came; written as ${strict.name} or Equal before`,
    down: of(op, (node) => {
      const { a, b } = node.in;
      return (edit) => {
        const beyond: Value = edit.add(node.graph, strict, { a, b }, {}, { before: node }).out.y;
        const equal = edit.add(node.graph, Equal, { a, b }, {}, { before: node }).out.y;
        edit.replace(node, Or, { a: beyond, b: equal });
      };
    }),
  }),
);

const powers: readonly OpsetChange[] = [
  {
    op: 'Pow',
    version: 12,
    changes: 'the exponent may have another type than the base',
    down: of(Pow, (node) => {
      const { a, b } = node.in;
      if (dtypeOf(a) === dtypeOf(b)) return undefined;
      const [held, dtype] = [constantOf(b), floatTypeOf(a)];
      if (!held || !dtype || !isNumeric(held.dtype))
        return refuse('the exponent has another type than the base, which came with opset 12');
      const exponents = asFloat64(held);
      const data = fromFloat64(dtype, held.shape, exponents);
      if (asFloat64(data).some((v, i) => v !== exponents[i])) return refuse(`an exponent is no ${dtype}`);
      return (edit) => setInput(edit, node, 1, constant(edit, node, data, nameFor(node, 'exponent')));
    }),
  },
];

export const ELEMENTWISE_CHANGES: readonly OpsetChange[] = [...broadcasts, ...comparisons, ...powers];
