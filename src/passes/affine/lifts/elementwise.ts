import type { Node, Value } from '../../../graph/ir.js';
import { activationAt } from '../../../analysis/patterns.js';
import { Add, constantOf, Div, Mean, Mul, Neg, Sub, Sum } from '../../../ops/index.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { perChannel } from '../constants.js';
import { crossed, type Form, scale, shift } from '../form.js';
import { type Lifting, lift } from '../lift.js';

/** What an operand of a sum is multiplied by. */
interface Addend {
  readonly value: Value;
  readonly factor: number;
}

/** The sum of operands, constants among them. */
export function sumOf(node: Node, addends: readonly Addend[], at: Lifting): Form | Skip {
  let total: { form: Form; value: Value } | undefined;
  const factors = new Map<Value, { factor: number; uses: number }>();
  for (const { value, factor } of addends.filter((a) => !constantOf(a.value))) {
    const known = factors.get(value) ?? { factor: 0, uses: 0 };
    factors.set(value, { factor: known.factor + factor, uses: known.uses + 1 });
  }
  for (const [value, { factor, uses }] of factors) {
    const operand = at.operand(value, { uses });
    if (isSkip(operand)) return operand;
    const form = scaledBy(operand, factor);
    const sum = total ? at.sum(node, total, { form, value }) : form;
    if (isSkip(sum)) return sum;
    total = { form: sum, value };
  }
  if (!total) return notApplicable('only-constants');
  let { form } = total;
  for (const { value, factor } of addends.filter((a) => constantOf(a.value))) {
    const c = perChannel(value, form);
    if (isSkip(c)) return c;
    form = shift(
      { ...form, params: form.params + c.params },
      c.values.map((v) => v * factor),
    );
  }
  return crossed(form, { node });
}

const scaledBy = (form: Form, factor: number): Form =>
  factor === 1 ? form : scale(form, new Float64Array(form.outputs).fill(factor));

export const liftAdd = lift(
  Add,
  'Conv(x, v) + Conv(x, w) -> Conv(x, v + w), smaller windows embedded in larger ones; x + c for a constant c of each channel',
  (node, at) =>
    sumOf(
      node,
      [node.in.a, node.in.b].map((value) => ({ value, factor: 1 })),
      at,
    ),
);

export const liftSub = lift(Sub, 'Conv(x, v) - Conv(x, w) -> Conv(x, v - w); x - c, c - x', (node, at) =>
  sumOf(
    node,
    [
      { value: node.in.a, factor: 1 },
      { value: node.in.b, factor: -1 },
    ],
    at,
  ),
);

export const liftSum = lift(Sum, 'Conv(x, w1) + ... + Conv(x, wn) -> Conv(x, w1 + ... + wn)', (node, at) =>
  sumOf(
    node,
    node.in.xs.map((value) => ({ value, factor: 1 })),
    at,
  ),
);

export const liftMean = lift(
  Mean,
  '(Conv(x, w1) + ... + Conv(x, wn)) / n -> Conv(x, (w1 + ... + wn) / n)',
  (node, at) =>
    sumOf(
      node,
      node.in.xs.map((value) => ({ value, factor: 1 / node.in.xs.length })),
      at,
    ),
);

export const liftNeg = lift(Neg, '-Conv(x, w) -> Conv(x, -w)', (node, at) => {
  const form = at.operand(node.in.x);
  return isSkip(form) ? form : crossed(scaledBy(form, -1), { node });
});

function scaledByConstant(
  node: Node,
  x: Value,
  constant: Value,
  at: Lifting,
  factorOf: (c: number) => number,
): Form | Skip {
  // Runtimes have a kernel for the whole of it, which they find by this very node.
  if (activationAt(node)) return skip('activation');
  const form = at.operand(x);
  if (isSkip(form)) return form;
  const c = perChannel(constant, form);
  if (isSkip(c)) return c;
  const factor = c.values.map(factorOf);
  if (!factor.every(Number.isFinite)) return skip('divides-by-zero');
  return crossed(scale(form, factor), { node, params: c.params, type: c.type });
}

export const liftMul = lift(
  Mul,
  's * Conv(x, w, b) -> Conv(x, s * w, s * b) for a constant s of each channel',
  (node, at) => {
    const { a, b } = node.in;
    if (constantOf(b)) return scaledByConstant(node, a, b, at, (c) => c);
    if (constantOf(a)) return scaledByConstant(node, b, a, at, (c) => c);
    return notApplicable('no-constant');
  },
);

export const liftDiv = lift(
  Div,
  'Conv(x, w, b) / s -> Conv(x, w / s, b / s) for a constant s of each channel',
  (node, at) => {
    if (!constantOf(node.in.b)) return notApplicable('no-constant-divisor');
    return scaledByConstant(node, node.in.a, node.in.b, at, (c) => 1 / c);
  },
);
