import type { Rule } from '../rule.js';
import type { Prefer } from './cost.js';
import type { Lift } from './lift.js';
import { type Merged, mergeLinear } from './merge.js';
import { moveAffine } from './move/index.js';
import { MergedWeights } from './weights.js';

/** The rules of the algebra: linear regions merge, and affine maps that are left of them move to where they can. */
export function algebra(lifts: readonly Lift[], merged: Merged = new Map(), prefer?: Prefer): readonly Rule[] {
  const weights = new MergedWeights();
  return [mergeLinear(lifts, { merged, weights, prefer }), moveAffine(lifts, merged, weights)];
}
