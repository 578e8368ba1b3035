import type { Node } from '../graph/ir.js';
import { batchNorm, constantOf, Dropout, registry } from '../ops/index.js';
import { isFilledWith } from './match.js';

/** Operators of ONNX whose results are drawn anew on each run. */
const RANDOM: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/**
 * Whether a node is known to give equal outputs for equal inputs, and does nothing else: a declared operator, not a random one, not one that keeps
 * statistics, and without graphs inside.
 */
export function isDeterministic(node: Node): boolean {
  if (RANDOM.has(node.opType) || node.subgraphs.length > 0 || registry.of(node) === undefined) return false;
  if (batchNorm(node)?.training) return false;
  if (!node.is(Dropout) || !node.in.training_mode) return true;
  return isFilledWith(constantOf(node.in.training_mode), 0);
}
