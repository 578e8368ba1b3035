import type { Value } from '../../../graph/ir.js';
import type { NodeOf } from '../../../graph/op-def.js';
import {
  Concat,
  ReduceMean,
  ReduceMean1,
  ReduceSum,
  ReduceSum1,
  reduceAxes,
  Unsqueeze,
  Unsqueeze1,
  unsqueezeAxes,
} from '../../../ops/index.js';
import { usedOnce } from '../../match.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { crossed, type Form } from '../form.js';
import { type Lifting, lift } from '../lift.js';
import { sumOf } from './elementwise.js';

type Reduction = NodeOf<typeof ReduceMean> | NodeOf<typeof ReduceMean1>;

/** The sum or mean over an axis that a stack made: torch.stack([a, b, c]).mean(0) is Unsqueeze each, Concat, ReduceMean. */
function reducedStack(node: Reduction, at: Lifting, factorOf: (n: number) => number): Form | Skip {
  const none = notApplicable('no-stack');
  const stack = node.inputs[0]?.producer;
  if (!stack?.is(Concat) || node.attr.keepdims !== 0) return none;
  const axes = reduceAxes(node);
  const rank = node.inputs[0]?.type?.kind === 'tensor' ? node.inputs[0].type.shape?.length : undefined;
  const axis = stack.attr.axis < 0 ? stack.attr.axis + (rank ?? 0) : stack.attr.axis;
  if (axes?.length !== 1 || axes[0] !== axis) return none;
  const parts = stack.in.xs.map((v) => v.producer);
  const inner: Value[] = [];
  for (const [i, part] of parts.entries()) {
    const made = stack.in.xs[i];
    const x = part?.inputs[0];
    if (!part || !x || !(part.is(Unsqueeze) || part.is(Unsqueeze1)) || unsqueezeAxes(part)?.join() !== String(axis))
      return none;
    if (!made || !usedOnce(made)) return skip('used-elsewhere');
    inner.push(x);
  }
  if (!node.inputs[0] || !usedOnce(node.inputs[0])) return skip('used-elsewhere');
  const form = sumOf(
    node,
    inner.map((value) => ({ value, factor: factorOf(inner.length) })),
    at,
  );
  if (isSkip(form)) return form;
  return [stack, ...parts.flatMap((p) => p ?? [])].reduce((f, n) => crossed(f, { node: n }), form);
}

export const liftStackMean = lift(
  [ReduceMean, ReduceMean1],
  'ReduceMean(Concat(Unsqueeze(x1), ..., Unsqueeze(xn))) -> Mean(x1, ..., xn)',
  (node, at) => reducedStack(node, at, (n) => 1 / n),
);

export const liftStackSum = lift(
  [ReduceSum, ReduceSum1],
  'ReduceSum(Concat(Unsqueeze(x1), ..., Unsqueeze(xn))) -> Sum(x1, ..., xn)',
  (node, at) => reducedStack(node, at, () => 1),
);
