import { type Editor, everyGraph } from '../../graph/edit.js';
import type { Graph, Model, Node, Value } from '../../graph/ir.js';
import { topologicalOrder } from '../../graph/order.js';
import { isTensorType } from '../../graph/types.js';
import { constantOf, permOf, Transpose } from '../../ops/index.js';
import { reshapeTensor, transposeTensor } from '../../tensor/rearrange.js';
import { holdsInitializers } from '../match.js';
import { giveResult } from '../results.js';
import { isLive } from '../runner.js';
import { composed, inverse, isIdentity, type Permutation } from './permutation.js';
import { isFree, Region, turns } from './region.js';

/** Moves Transposes around operators whose axes may stand in any order, where fewer are left after it. Gives how many such regions there were. */
export function moveTransposes(model: Model, edit: Editor): number {
  let moved = 0;
  for (const graph of everyGraph(model)) {
    if (!holdsInitializers(graph)) continue;
    for (const seed of seedsOf(graph)) {
      const region = isLive(seed) ? best(seed) : undefined;
      if (!region) continue;
      new Writer(region, edit).write();
      moved += 1;
    }
  }
  return moved;
}

function seedsOf(graph: Graph): Node[] {
  // Numbers the nodes, if they are in order: regions grow along it.
  const order = topologicalOrder(graph);
  return order.every((node, i) => node.position === i) ? order.filter((node) => node.is(Transpose)) : [];
}

/** The region from a Transpose on that saves most nodes; undefined where none does. */
function best(seed: Node): Region | undefined {
  const grow = (nodes: number): { region: Region; cost: number; at: number } => {
    const region = new Region(seed);
    let [least, at, tried] = [0, 0, new Set<Node>()];
    while (!region.isFull && region.moves.size < nodes) {
      const next = region.candidates().find((node) => !tried.has(node));
      if (!next) break;
      tried.add(next);
      if (!region.absorb(next)) continue;
      const cost = region.cost();
      if (cost < least) [least, at] = [cost, region.moves.size];
    }
    return { region, cost: least, at };
  };
  const { cost, at } = grow(Number.POSITIVE_INFINITY);
  return cost < 0 ? grow(at).region : undefined;
}

/** Writes the nodes of a region in the other order. */
class Writer {
  /** What stands for each value. */
  readonly #turned = new Map<Value, Value>();

  constructor(
    private readonly region: Region,
    private readonly edit: Editor,
  ) {}

  write(): void {
    const { region, edit } = this;
    const nodes = region.sorted();
    for (const node of nodes) this.#node(node);
    for (const node of nodes.toReversed()) {
      if (!isLive(node)) continue;
      for (const value of node.outputs) if (value) this.#leave(value, node);
    }
    for (const node of nodes) if (isLive(node) && node.outputs.every((v) => !v || v.uses.size === 0)) edit.remove(node);
  }

  #node(node: Node): void {
    const { region, edit } = this;
    const move = region.moves.get(node);
    const orders = move?.data.map((i) => this.#orderOf(node.inputs[i]));
    const order = orders?.find((p) => p !== undefined);
    if (!move || !order) throw new Error(`bug: a node of a region without an order`);
    const { inputs = new Map<number, Value>(), attrs = [] } = move.rewrite(order, edit);
    const given: (Value | undefined)[] = node.inputs.map((v, i) =>
      v && move.data.includes(i) ? this.#turn(v, order, node.graph) : v,
    );
    for (const [i, value] of inputs) {
      while (given.length < i) given.push(undefined);
      given[i] = value;
    }
    const made = edit.addLike(node, given, attrs);
    node.outputs.forEach((value, i) => {
      const turned = made.outputs[i];
      if (!value || !turned) return;
      const p = inverse(region.orders.get(value) ?? []);
      const { type } = value;
      if (isTensorType(type))
        edit.setType(turned, { ...type, shape: type.shape && p.map((axis) => type.shape?.[axis]) });
      this.#turned.set(value, turned);
    });
  }

  #orderOf(value: Value | undefined): Permutation | undefined {
    return value && (this.region.orders.get(value) ?? this.region.foreign.get(value));
  }

  /** What stands for an input: v' with v = Transpose(v', order). */
  #turn(value: Value, order: Permutation, graph: Graph): Value {
    const known = this.#turned.get(value);
    if (known) return known;
    if (isFree(value, order)) return value;
    const { producer } = value;
    const turn = (): Value => {
      if (constantOf(value)) return this.#constant(value, order);
      if (producer?.is(Transpose) && this.region.orders.has(value)) return producer.in.x;
      const before = producer?.graph === graph ? producer.next : graph.first;
      return this.edit.add(graph, Transpose, { x: value }, { perm: [...inverse(order)] }, { before }).out.y;
    };
    const made = turn();
    this.#turned.set(value, made);
    return made;
  }

  #constant(value: Value, order: Permutation): Value {
    const held = constantOf(value);
    const full = held && reshapeTensor(held, [...order.slice(held.shape.length).map(() => 1), ...held.shape]);
    const data = full && transposeTensor(full, inverse(order));
    if (!data) throw new Error(`bug: ${value.name} cannot be written in another order`);
    return this.edit.constant(value.graph, data, value.name);
  }

  /** Lets those outside of the region have a value as it was. */
  #leave(value: Value, from: Node): void {
    const { region, edit } = this;
    const [turned, order] = [this.#turned.get(value), region.orders.get(value)];
    if (!turned || !order) return;
    const turning = [...value.uses.keys()].filter((user) => !region.moves.has(user) && turns(user, value));
    for (const user of turning) {
      const perm = composed(order, permOf(user) ?? []);
      const [y] = user.outputs;
      if (!y) continue;
      const after = { before: user };
      giveResult(
        y,
        isIdentity(perm) ? turned : edit.add(value.graph, Transpose, { x: turned }, { perm: [...perm] }, after).out.y,
        user,
        edit,
      );
    }
    const isNeeded = value.outputCount > 0 || [...value.uses.keys()].some((user) => !region.moves.has(user));
    if (!isNeeded || !isLive(from)) return;
    const options = { before: from };
    const back = isIdentity(order)
      ? turned
      : edit.add(value.graph, Transpose, { x: turned }, { perm: [...order] }, options).out.y;
    giveResult(value, back, from, edit);
  }
}
