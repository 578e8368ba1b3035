import type { Node, Value } from '../../../graph/ir.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import type { Lift } from '../lift.js';
import { type Absorbed, absorbAbove, absorbBelow } from './absorb.js';
import { type Affine, affineNode, type AffineNode, composed, isScaled, isShifted } from './affine.js';
import { type Commuting, commutingOf } from './commute.js';
import { type Grid, isUniform } from './grid.js';
import { absorbQuantized, type Rescaled } from './quantized.js';
import { down, type Step, up } from './steps.js';

/** Nodes that one affine map is followed through. More are found in no network, and each affine node is asked for. */
const MAX_VISITED = 64;

/** Users of one value that are all asked to take it. */
export const MAX_USERS = 16;

/** What becomes of an affine map that moves: where it is absorbed, and the affine nodes that it takes along. */
export interface Way {
  readonly absorbed: readonly Absorbed[];
  readonly rescaled: readonly Rescaled[];
  readonly taken: readonly AffineNode[];
}

/** Follows an affine map from a value to the convolutions and products that can take it, along all of its branches. */
export class Search {
  #visited = 0;
  #absorbed: Absorbed[] = [];
  #rescaled: Rescaled[] = [];
  #taken: AffineNode[] = [];

  constructor(private readonly lifts: ReadonlyMap<string, Lift>) {}

  /** `value`, which only one node uses, with the map on it. */
  above(value: Value, affine: Affine): Way | Skip {
    return this.#way(() => this.#up(value, affine));
  }

  /** The users of `value`, each of which gets it with the map on it. */
  below(value: Value, affine: Affine): Way | Skip {
    return this.#way(() => this.#down(value, affine));
  }

  #way(run: () => Skip | undefined): Way | Skip {
    this.#visited = 0;
    this.#absorbed = [];
    this.#rescaled = [];
    this.#taken = [];
    return run() ?? { absorbed: this.#absorbed, rescaled: this.#rescaled, taken: this.#taken };
  }

  #up(value: Value, affine: Affine): Skip | undefined {
    if (!isScaled(affine) && !isShifted(affine)) return undefined;
    const node = value.producer;
    if (!node) return notApplicable('no-absorber');
    if (value.outputCount > 0) return skip('graph-output');
    if (!readOnce(value)) return skip('used-elsewhere');
    if (this.#visited++ > MAX_VISITED) return skip('too-far');
    const absorbed = absorbAbove(value, affine, this.lifts);
    if (!isSkip(absorbed)) return this.#absorb(absorbed);
    const rescaled = absorbQuantized(value, affine);
    if (!isSkip(rescaled)) {
      this.#rescaled.push(rescaled);
      return undefined;
    }
    if (!rescaled.quiet) return rescaled;
    const own = affineNode(node);
    if (!isSkip(own) && this.lifts.has(node.opType)) {
      const both = composed(affine, own.affine);
      if (!both) return skip('not-per-channel-here');
      this.#taken.push(own);
      return this.#up(own.x, both);
    }
    const entry = commutingOf(node);
    if (!entry) return absorbed;
    const why = refused(entry, node, affine);
    if (why) return why;
    const inputs = (entry.inputs?.(node) ?? node.inputs.slice(0, 1)).filter((v) => v !== undefined);
    for (const [i, input] of inputs.entries()) {
      const steps = entry.steps(node, input, value);
      if (!steps) return skip('movement-unknown');
      const moved = mapAll(affine, (grid, fill) =>
        steps.reduceRight<Grid | undefined>((g, s) => g && up(s, g, fill), grid),
      );
      if (!moved) return skip('not-per-channel-here');
      const shifts = entry.shift(node) === 'first' ? i === 0 : true;
      const stopped = this.#up(input, shifts ? moved : unshifted(moved));
      if (stopped) return inputs.length > 1 && stopped.quiet ? skip('branch-no-absorber') : stopped;
    }
    return undefined;
  }

  #down(value: Value, affine: Affine): Skip | undefined {
    if (!isScaled(affine) && !isShifted(affine)) return undefined;
    if (value.outputCount > 0) return skip('graph-output');
    if (value.uses.size > MAX_USERS) return skip('used-elsewhere');
    for (const [user, count] of value.uses) {
      if (user.graph !== value.graph) return skip('captured');
      if (asksShape(user)) continue;
      const why = count === 1 ? this.#into(user, value, affine) : notApplicable('no-absorber');
      if (why) return value.uses.size > 1 && why.quiet ? skip('user-no-absorber') : why;
    }
    return value.uses.size === 0 ? notApplicable('no-absorber') : undefined;
  }

  /** Lets a user take the map on its operand `value`. */
  #into(user: Node, value: Value, affine: Affine): Skip | undefined {
    if (this.#visited++ > MAX_VISITED) return skip('too-far');
    const absorbed = absorbBelow(user, { value, affine }, this.lifts);
    if (!isSkip(absorbed)) return this.#absorb(absorbed);
    const own = affineNode(user);
    const output = user.outputs[0];
    if (!isSkip(own) && own.x === value && output && this.lifts.has(user.opType)) {
      const both = composed(own.affine, affine);
      if (!both) return skip('not-per-channel-here');
      this.#taken.push(own);
      return this.#down(output, both);
    }
    const entry = commutingOf(user);
    if (!entry || entry.upwardOnly) return absorbed;
    const why = refused(entry, user, affine);
    if (why) return why;
    if (!(entry.inputs?.(user) ?? user.inputs.slice(0, 1)).includes(value)) return absorbed;
    for (const made of user.outputs) {
      if (!made || (made.uses.size === 0 && made.outputCount === 0)) continue;
      const steps = entry.steps(user, value, made);
      const moved = steps && mapAll(affine, (grid, fill) => through(steps, grid, fill));
      if (!moved) return skip(steps ? 'not-per-channel-here' : 'movement-unknown');
      const stopped = this.#down(made, moved);
      if (stopped) return stopped;
    }
    return undefined;
  }

  #absorb(absorbed: Absorbed): undefined {
    this.#absorbed.push(absorbed);
    return undefined;
  }
}

/** Nodes that ask for the sizes of a value, which no scale or shift changes. */
const asksShape = (user: Node): boolean => user.domain === '' && (user.opType === 'Shape' || user.opType === 'Size');

/** Whether one input of one node of the same graph is all that reads the numbers of a value. */
export function readOnce(value: Value): boolean {
  if (value.outputCount > 0 || value.uses.size > MAX_USERS) return false;
  let reads = 0;
  for (const [user, count] of value.uses) {
    if (user.graph !== value.graph) return false;
    if (!asksShape(user)) reads += count;
  }
  return reads === 1;
}

const through = (steps: readonly Step[], grid: Grid, fill: number): Grid | undefined =>
  steps.reduce<Grid | undefined>((g, s) => g && down(s, g, fill), grid);

/** Both halves of a map, moved; what other branches bring is left as it is. */
function mapAll(affine: Affine, move: (grid: Grid, fill: number) => Grid | undefined): Affine | undefined {
  const [scale, shift] = [move(affine.scale, 1), move(affine.shift, 0)];
  return scale && shift && { scale, shift };
}

export const unshifted = (affine: Affine): Affine => ({
  scale: affine.scale,
  shift: { ...affine.shift, values: affine.shift.values.map(() => 0) },
});

function refused(entry: Commuting, node: Node, affine: Affine): Skip | undefined {
  if (isShifted(affine) && entry.shift(node) === false) return skip('shift-not-through');
  if (entry.scale === 'not-negative' && !affine.scale.values.every((v) => v >= 0)) return skip('scale-negative');
  return isUniform(affine.scale, 0) ? skip('scale-negative') : undefined;
}
