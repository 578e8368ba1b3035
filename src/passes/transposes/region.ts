import type { Node, Value } from '../../graph/ir.js';
import { constantOf, permOf, Transpose } from '../../ops/index.js';
import { rankOf, shapeOf } from '../../ops/tensors.js';
import { elementCount } from '../../tensor/dtype.js';
import { wouldCopy } from '../match.js';
import { type Move, moveOf } from './moves.js';
import { composed, isIdentity, type Permutation, samePermutation } from './permutation.js';

/** Nodes that a region may have. */
const MAX_NODES = 48;
/** How far above a node its other inputs are looked for Transposes. */
const MAX_PULLED = 3;
/** Values that more nodes need are not looked through. */
const MAX_USERS = 32;

/**
 * Nodes that may compute in another order of axes than the file has: between the Transposes that bring it about, and those that undo it. Each value v of it
 * is Transpose(v', p) of the v' that stands for it.
 */
export class Region {
  /** The order of each value in it, results of Transposes at its rim included. */
  readonly orders = new Map<Value, Permutation>();
  readonly moves = new Map<Node, Move>();
  /** Values from outside that need a Transpose to come in. */
  readonly foreign = new Map<Value, Permutation>();

  constructor(seed: Node) {
    const p = permOf(seed);
    const [y] = seed.outputs;
    if (p && y) this.orders.set(y, p);
  }

  /** Nodes that read from the region and are not in it. */
  candidates(): Node[] {
    const found = new Set<Node>();
    for (const value of this.orders.keys())
      if (value.uses.size <= MAX_USERS)
        for (const user of value.uses.keys())
          if (user.graph === value.graph && !this.moves.has(user) && !user.is(Transpose)) found.add(user);
    return [...found];
  }

  /** The nodes of the region, each after those that it reads from. */
  sorted(): readonly Node[] {
    const order = new Set<Node>();
    const visit = (node: Node): void => {
      if (order.has(node)) return;
      for (const value of node.inputs) if (value?.producer && this.moves.has(value.producer)) visit(value.producer);
      order.add(node);
    };
    for (const node of this.moves.keys()) visit(node);
    return [...order];
  }

  get isFull(): boolean {
    return this.moves.size >= MAX_NODES;
  }

  /** Takes a node in, and what its other inputs need; false, and nothing changes, where its axes are not free. */
  absorb(node: Node): boolean {
    const move = moveOf(node);
    const order = move?.data.map((i) => this.#orderOf(node.inputs[i])).find((p) => p !== undefined);
    return move !== undefined && order !== undefined && this.#take(node, move, order, MAX_PULLED);
  }

  #orderOf(value: Value | undefined): Permutation | undefined {
    return value && this.orders.get(value);
  }

  #take(node: Node, move: Move, order: Permutation, depth: number): boolean {
    const inputs = move.data.flatMap((i) => node.inputs[i] ?? []);
    if (node.outputs.some((v) => v?.isOverwritten) || !inputs.every((v) => this.#fits(v, order))) return false;
    const result = move.forward(order);
    const made = node.outputs.filter((v) => v !== undefined);
    // Some may have been read from outside until now, in an order of their own.
    if (made.some((v) => !samePermutation(this.foreign.get(v) ?? result, result))) return false;
    this.moves.set(node, move);
    for (const v of made) {
      this.orders.set(v, result);
      this.foreign.delete(v);
    }
    for (const v of inputs) if (!this.orders.has(v) && !isFree(v, order)) this.#pull(v, order, depth);
    return true;
  }

  /** Whether a value has the order, or can be given it. */
  #fits(value: Value, order: Permutation): boolean {
    const known = this.orders.get(value) ?? this.foreign.get(value);
    if (known) return samePermutation(known, order);
    if (constantOf(value)) return isFree(value, order) || canTurn(value, order);
    return rankOf(value) === 0 || rankOf(value) === order.length;
  }

  /** Looks for the Transpose that a value comes from; without one, it needs one. */
  #pull(value: Value, order: Permutation, depth: number): void {
    if (constantOf(value)) return;
    const { producer } = value;
    const p = producer?.is(Transpose) ? permOf(producer) : undefined;
    if (p && samePermutation(p, order)) {
      this.orders.set(value, p);
      return;
    }
    const move =
      producer && depth > 0 && producer.graph === [...this.orders.keys()][0]?.graph ? moveOf(producer) : undefined;
    const above = move?.backward(order);
    const onlyHere = [...value.uses.keys()].every((user) => this.moves.has(user)) && value.outputCount === 0;
    if (
      producer &&
      move &&
      above &&
      onlyHere &&
      producer.outputs.length === 1 &&
      this.#comesFrom(producer, move, above)
    )
      if (this.#take(producer, move, above, depth - 1)) return;
    this.foreign.set(value, order);
  }

  /** Whether one of a node's inputs is a Transpose of that order: only then is it worth looking. */
  #comesFrom(node: Node, move: Move, order: Permutation): boolean {
    return move.data.some((i) => {
      const made = node.inputs[i]?.producer;
      const p = made?.is(Transpose) ? permOf(made) : undefined;
      return p !== undefined && samePermutation(p, order);
    });
  }

  /** By how many nodes the graph grows when the region is written in the other order. */
  cost(): number {
    let cost = this.foreign.size;
    for (const [value, order] of this.orders) {
      const outside = [...value.uses.keys()].filter((user) => !this.moves.has(user));
      const isEntry = !value.producer || !this.moves.has(value.producer);
      if (isEntry) {
        if (outside.length === 0 && value.outputCount === 0) cost -= 1;
        continue;
      }
      const undone = outside.filter((user) => undoes(user, value, order)).length;
      const turned = outside.filter((user) => turns(user, value)).length;
      cost -= undone;
      if (!isIdentity(order) && (outside.length > turned || value.outputCount > 0)) cost += 1;
    }
    return cost;
  }
}

/** Whether a node is a Transpose of a value: one that takes the region's own into itself. */
export const turns = (node: Node, value: Value): boolean =>
  node.is(Transpose) && node.in.x === value && node.graph === value.graph && permOf(node) !== undefined;

function undoes(node: Node, value: Value, order: Permutation): boolean {
  const p = turns(node, value) ? permOf(node) : undefined;
  return p !== undefined && isIdentity(composed(order, p));
}

/** Whether an operand is the same in every order: one number, or a list of them along no axis. */
export function isFree(value: Value, order: Permutation): boolean {
  const shape = constantOf(value)?.shape ?? shapeOf(value);
  return shape !== undefined && (shape.length === 0 || (constantOf(value) !== undefined && isOne(shape, order)));
}

const isOne = (shape: readonly unknown[], order: Permutation): boolean =>
  shape.length <= order.length && shape.every((d) => d === 1);

/** Whether a constant can be written in another order without a second large copy of it. */
function canTurn(value: Value, order: Permutation): boolean {
  const held = constantOf(value);
  if (!held || held.shape.length > order.length || elementCount(held.shape) === 0) return false;
  return !wouldCopy(value, held.byteLength);
}
