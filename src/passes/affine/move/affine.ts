import type { Node, Value } from '../../../graph/ir.js';
import { Add, BatchNormalization, BatchNormalization7, constantOf, Div, Mul, Neg, Sub } from '../../../ops/index.js';
import { activationAt } from '../../../analysis/patterns.js';
import { rankOf, shapeOf } from '../../../ops/tensors.js';
import { asFloat64 } from '../../../tensor/tensor.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { floatType } from '../constants.js';
import { normalizationOf } from '../lifts/batch-norm.js';
import { along, type Grid, isUniform, mapped, MAX_GRID, uniform, zipped } from './grid.js';

/** x -> scale * x + shift, numbers that broadcast over x. */
export interface Affine {
  readonly scale: Grid;
  readonly shift: Grid;
}

export const isShifted = ({ shift }: Affine): boolean => !isUniform(shift, 0);
export const isScaled = ({ scale }: Affine): boolean => !isUniform(scale, 1);

/** `outer` applied to what `inner` gives. Undefined when the numbers become too many. */
export function composed(outer: Affine, inner: Affine): Affine | undefined {
  const scale = zipped(outer.scale, inner.scale, (a, b) => a * b);
  const moved = zipped(outer.scale, inner.shift, (a, b) => a * b);
  const shift = moved && zipped(moved, outer.shift, (a, b) => a + b);
  return scale && shift && { scale, shift };
}

/** A node that is an affine map of its one computed operand. */
export interface AffineNode {
  readonly node: Node;
  readonly x: Value;
  readonly affine: Affine;
}

/** BatchNormalization by stored statistics, Neg, or Add, Sub, Mul, Div with a constant that does not broadcast x. */
export function affineNode(node: Node): AffineNode | Skip {
  if (node.domain !== '') return notApplicable('not-linear');
  if (node.is(BatchNormalization) || node.is(BatchNormalization7)) return ofNorm(node);
  if (node.is(Neg)) {
    const rank = rankOf(node.in.x);
    if (rank === undefined) return notApplicable('rank-unknown');
    return { node, x: node.in.x, affine: { scale: uniform(rank, -1), shift: uniform(rank, 0) } };
  }
  if (!(node.is(Add) || node.is(Sub) || node.is(Mul) || node.is(Div))) return notApplicable('not-linear');
  const { a, b } = node.in;
  const [x, constant] = constantOf(b) ? [a, b] : [b, a];
  if (!constantOf(constant) || constantOf(x)) return notApplicable('no-constant');
  if (x === b && node.opType === 'Div') return notApplicable('no-constant-divisor');
  // Runtimes have a kernel for the whole of it, which they find by this very node.
  if ((node.opType === 'Mul' || node.opType === 'Div') && activationAt(node)) return skip('activation');
  const grid = gridOf(constant, x);
  if (isSkip(grid)) return grid;
  const rank = grid.shape.length;
  const [one, zero] = [uniform(rank, 1), uniform(rank, 0)];
  if (node.opType === 'Add') return { node, x, affine: { scale: one, shift: grid } };
  if (node.opType === 'Mul') return { node, x, affine: { scale: grid, shift: zero } };
  if (node.opType === 'Sub') {
    const affine =
      x === a ? { scale: one, shift: mapped(grid, (v) => -v) } : { scale: mapped(one, (v) => -v), shift: grid };
    return { node, x, affine };
  }
  if (grid.values.some((v) => v === 0)) return skip('divides-by-zero');
  return { node, x, affine: { scale: mapped(grid, (v) => 1 / v), shift: zero } };
}

function ofNorm(node: Node): AffineNode | Skip {
  const by = normalizationOf(node);
  const x = node.inputs[0];
  const rank = rankOf(x);
  if (isSkip(by)) return by;
  if (!x || rank === undefined || rank < 2) return notApplicable('rank-unknown');
  return { node, x, affine: { scale: along(rank, 1, by.factor), shift: along(rank, 1, by.moved) } };
}

/** A constant operand as numbers over x, whose shape it leaves as it is. */
function gridOf(constant: Value, x: Value): Grid | Skip {
  const t = constantOf(constant);
  const shape = shapeOf(x);
  if (!t || !shape) return notApplicable('rank-unknown');
  if (!floatType(t)) return notApplicable('constant-not-float');
  if (t.shape.length > shape.length) return notApplicable('constant-rank');
  const own = [...Array.from({ length: shape.length - t.shape.length }, () => 1), ...t.shape];
  if (own.some((d, i) => d !== 1 && d !== shape[i])) return notApplicable('constant-shape');
  if (own.reduce((n, d) => n * d, 1) > MAX_GRID) return notApplicable('constant-not-per-channel');
  const values = asFloat64(t);
  return values.every(Number.isFinite) ? { shape: own, values } : skip('constant-not-finite');
}
