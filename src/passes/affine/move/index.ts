import type { Editor } from '../../../graph/edit.js';
import type { Node, Value } from '../../../graph/ir.js';
import { Add, BatchNormalization, BatchNormalization7, Div, Mul, Neg, Pad, Pad2, Sub } from '../../../ops/index.js';
import { dtypeOf } from '../../../ops/tensors.js';
import { usedOnce } from '../../match.js';
import { giveResult } from '../../results.js';
import { isSkip, notApplicable, type Rule, type Skip, skip } from '../../rule.js';
import { floatType } from '../constants.js';
import type { FloatType } from '../form.js';
import type { Lift } from '../lift.js';
import { type Prepared, prepare, write } from '../lower.js';
import type { Merged } from '../merge.js';
import type { MergedWeights } from '../weights.js';
import { type Affine, affineNode, type AffineNode, composed, isScaled, isShifted } from './affine.js';
import { mapped, zipped } from './grid.js';
import { normalized, type Written, writeAffine } from './rest.js';
import { commutingOf } from './commute.js';
import { MAX_USERS, readOnce, Search, unshifted, type Way } from './search.js';
import { sharedPad } from './shared-pad.js';

/** Affine nodes one above the other that are taken as one map. */
const MAX_CHAIN = 32;

/**
 * Moves affine maps of channels, BatchNormalizations among them, through the operators that they commute with (see `commute.ts`) until convolutions
 * and products on every branch have absorbed them. Upwards: s f(conv(x)) + t = f(s conv(x) + t). Downwards: conv(f(s x + t)) = conv'(f(x)).
 * Where a padded convolution takes the scale alone, f(s x + t) = f(s (x + t / s)), one Add stays; a chain that nothing absorbs becomes one node.
 */
export function moveAffine(lifts: readonly Lift[], merged: Merged, weights: MergedWeights): Rule {
  const byOp = new Map(lifts.map((l) => [l.roots[0]?.name ?? l.name, l]));
  return {
    name: 'move-affine',
    doc: 's * f(Conv(x)) + t -> f(s * Conv(x) + t), Conv(f(s * x + t)) -> f(x) into a Conv, where f commutes with s and t',
    roots: [Add, BatchNormalization, BatchNormalization7, Div, Mul, Neg, Pad, Pad2, Sub].filter((op) =>
      byOp.has(op.name),
    ),
    apply(node, edit) {
      const move = moveOf(node, edit, { lifts: byOp, weights });
      if (isSkip(move)) return move;
      const removed = move.way.absorbed.flatMap(({ plan }) => [...plan.removed]);
      const gone = [...move.chain, ...move.way.taken]
        .map(({ node: n }) => n)
        .concat(removed)
        .map((n) => n.opType);
      apply(move, edit);
      for (const op of gone) merged.set(op, (merged.get(op) ?? 0) + 1);
      return undefined;
    },
  };
}

/** Everything that a move edits, with all of its numbers. */
interface Move {
  /** The nodes that go, the last of them first. */
  readonly chain: readonly { readonly node: Node; readonly x: Value }[];
  readonly way: Way;
  readonly prepared: readonly Prepared[];
  /** What stays in place of the chain. */
  readonly rest: Written | undefined;
}

interface Known {
  readonly lifts: ReadonlyMap<string, Lift>;
  readonly weights: MergedWeights;
}

function moveOf(node: Node, edit: Editor, { lifts, weights }: Known): Move | Skip {
  if (node.graph.root !== node.graph.model) return notApplicable('function-body');
  if (node.opType === 'Pad') {
    const way = sharedPad(node, lifts);
    const [x] = node.inputs;
    if (isSkip(way)) return way;
    return x
      ? complete({ chain: [{ node, x }], way, rest: undefined, prepared: [] }, weights)
      : notApplicable('no-input');
  }
  const unfit = unmovable(node, lifts);
  if (unfit) return unfit;
  const chain = chainAt(node, lifts);
  if (isSkip(chain)) return chain;
  const { nodes, affine } = chain;
  const [top, bottom] = [nodes[0], nodes.at(-1)];
  const output = node.outputs[0];
  const type = bottom && floatType({ dtype: dtypeOf(bottom.x) });
  if (!top || !bottom || !output || !type) return notApplicable('no-absorber');
  if (output.uses.size === 0 && output.outputCount === 0) return notApplicable('no-absorber');
  const norm = nodes.some((n) => n.node.opType === 'BatchNormalization');
  const search = new Search(lifts);
  const added = shiftAlone(affine, { x: bottom.x, type });
  const attempts: [() => Way | Skip, Written | undefined][] = [
    [() => (edit.canReplaceUses(output, bottom.x) ? search.above(bottom.x, affine) : skip('graph-output')), undefined],
    [() => search.below(output, affine), undefined],
    ...(added ? [[() => search.below(output, unshifted(affine)), added] satisfies [() => Way | Skip, Written]] : []),
  ];
  let why: Skip | undefined;
  for (const [attempt, rest] of attempts) {
    const way = attempt();
    const move = isSkip(way) ? way : complete({ chain: nodes, way, rest, prepared: [] }, weights);
    if (!isSkip(move)) return move;
    if (!why || (why.quiet && !move.quiet)) why = move;
  }
  const rest =
    nodes.length > 1 ? (norm && normalized(affine, bottom.x, type)) || writeAffine(affine, bottom.x, type) : undefined;
  if (rest && !isSkip(rest) && rest.count < nodes.length)
    return { chain: nodes, way: { absorbed: [], rescaled: [], taken: [] }, prepared: [], rest };
  return why?.quiet && norm ? skip('norm-no-absorber') : (why ?? notApplicable('no-absorber'));
}

/** Why a node has no neighbour that it could move to, or merge with: seen before any number is computed. */
function unmovable(node: Node, lifts: ReadonlyMap<string, Lift>): Skip | undefined {
  const norm = node.opType === 'BatchNormalization';
  const [output] = node.outputs;
  const takes = (n: Node): boolean => n.domain === '' && (lifts.has(n.opType) || commutingOf(n) !== undefined);
  const below = node.inputs.filter((x) => x?.producer && takes(x.producer));
  if (!output || below.some((x) => x && readOnce(x))) return undefined;
  const users = [...output.uses.keys()];
  // A shift, which a BatchNormalization has, does not go through a Relu.
  const stopped = norm && users.some((n) => commutingOf(n)?.shift(n) === false);
  if (users.length > 0 && users.length <= MAX_USERS && users.every(takes) && !stopped) return undefined;
  if (!norm) return notApplicable('no-absorber');
  if (stopped) return skip('shift-not-through');
  if (users.some(takes)) return skip('user-no-absorber');
  return skip(below.length > 0 ? 'used-elsewhere' : 'norm-no-absorber');
}

/** The affine nodes down from one, each used only by the next, as one map of what the lowest reads. */
function chainAt(root: Node, lifts: ReadonlyMap<string, Lift>): { nodes: AffineNode[]; affine: Affine } | Skip {
  const first = affineNode(root);
  if (isSkip(first)) return first;
  const nodes = [first];
  let { affine } = first;
  for (let x = first.x; nodes.length < MAX_CHAIN && x.producer && usedOnce(x); ) {
    const next = lifts.has(x.producer.opType) ? affineNode(x.producer) : undefined;
    const both = next && !isSkip(next) ? composed(affine, next.affine) : undefined;
    if (!next || isSkip(next) || !both) break;
    nodes.push(next);
    affine = both;
    x = next.x;
  }
  return { nodes, affine };
}

/** What stays of s x + t where only s is taken, s (x + t / s): an Add. Undefined where that is nothing, or no number. */
function shiftAlone(affine: Affine, { x, type }: { readonly x: Value; readonly type: FloatType }): Written | undefined {
  if (!isShifted(affine) || !isScaled(affine)) return undefined;
  const ratio = zipped(affine.shift, affine.scale, (t, s) => t / s);
  if (!ratio?.values.every(Number.isFinite)) return undefined;
  const rest = writeAffine({ scale: mapped(affine.scale, () => 1), shift: ratio }, x, type);
  return isSkip(rest) ? undefined : rest;
}

/** A move with its numbers, if it makes the model smaller. */
function complete(move: Move, weights: MergedWeights): Move | Skip {
  const { chain, way, rest } = move;
  const removed = way.absorbed.reduce(
    (n, { plan }) => n + plan.removed.size - plan.written,
    chain.length + way.taken.length,
  );
  // A BatchNormalization that only its shift is left of, as the addend of a product, is less work in as many nodes.
  const enough = chain.some(({ node }) => node.opType === 'BatchNormalization') && !rest ? 0 : 1;
  if (removed - (rest?.count ?? 0) < enough) return notApplicable('as-many-nodes');
  const roots = [...way.absorbed, ...way.rescaled].map((a) => a.root);
  if (new Set(roots).size < roots.length) return skip('absorbed-twice');
  const prepared: Prepared[] = [];
  for (const { plan, root } of way.absorbed) {
    const one = prepare(plan, root, weights);
    if (isSkip(one)) return one;
    prepared.push(one);
  }
  return { ...move, prepared };
}

function apply({ chain, way, prepared, rest }: Move, edit: Editor): void {
  const [top, bottom] = [chain[0], chain.at(-1)];
  const output = top?.node.outputs[0];
  if (!top || !bottom || !output) return;
  for (const one of prepared) write(one, edit);
  for (const one of way.rescaled) one.write(edit);
  for (const { node, x } of way.taken) {
    const [made] = node.outputs;
    if (made) edit.replaceUses(made, x);
  }
  if (rest) rest.write(edit, top.node);
  else if (output.uses.size > 0 || output.outputCount > 0) giveResult(output, bottom.x, top.node, edit);
}
