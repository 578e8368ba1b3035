import type { Editor } from '../../graph/edit.js';
import { constantInts, inferNode } from '../../graph/infer-node.js';
import type { Graph, Node, Value } from '../../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../../graph/op-def.js';
import type { AttrsOf, InputsOf } from '../../graph/edit.js';
import type { Dim } from '../../graph/types.js';
import { Concat, ConstantOfShape, constantOf, Expand, Gather, ShapeOp, Tile } from '../../ops/index.js';
import { rankOf, shapeOf } from '../../ops/tensors.js';
import { asFloat64, int64Tensor, isNumeric, type Tensor } from '../../tensor/tensor.js';
import { equalTensors } from '../../tensor/equal.js';
import { takeRows } from '../../tensor/rows.js';
import { type BatchSizes, PROBE } from './sizes.js';

/** An input of the model that carries the batch on an axis of that size. */
export interface BatchInput {
  readonly value: Value;
  readonly axis: number;
}

/** The edits that make constants say another batch. While they are made every number stands for `PROBE` times the old batch; `settle` writes the real one. */
export class SizeEditor {
  #vector: Value | undefined;
  readonly #pending: { readonly value: Value; readonly make: (batch: number) => Tensor }[] = [];

  constructor(
    readonly edit: Editor,
    readonly graph: Graph,
    readonly sizes: BatchSizes,
    readonly input: BatchInput,
    readonly target: number | string,
  ) {}

  /** Other numbers in a vector that a node takes: in a new constant, or around the computed entries. */
  setEntries(
    node: Node,
    index: number,
    vector: Value,
    entries: readonly Dim[],
    changes: ReadonlyMap<number, number>,
  ): void {
    const changed = entries.map((d, i) => changes.get(i) ?? d);
    const numbers = changed.filter((d) => typeof d === 'number');
    if (constantOf(vector))
      this.edit.setInput(node, index, this.#constant(int64Tensor([numbers.length], numbers), `${vector.name}_batch`));
    else
      this.edit.setInput(
        node,
        index,
        this.#joined(
          entries.map((_, i) => {
            const change = changes.get(i);
            return change === undefined ? this.#entry(vector, i, node) : this.#ints([change]);
          }),
          node,
        ),
      );
  }

  /** `entries` with `per` times the batch in the place of one of them. */
  setBatchEntry(node: Node, index: number, vector: Value, entries: readonly number[], at: number): void {
    if (typeof this.target === 'number') {
      const make = (batch: number): Tensor => int64Tensor([entries.length], entries.with(at, batch));
      this.edit.setInput(node, index, this.#later(make, `${vector.name}_batch`));
    } else {
      const parts = [entries.slice(0, at), undefined, entries.slice(at + 1)].filter((p) => p?.length !== 0);
      this.edit.setInput(
        node,
        index,
        this.#joined(
          parts.map((p) => (p ? this.#ints(p) : this.#batchVector())),
          node,
        ),
      );
    }
  }

  /** One entry of a node is repeated for each sample of the batch: its rows are equal, so that any of them stands for all. */
  widen(node: Node, index: number, axis: number): void {
    const value = node.inputs[index];
    const [row, rank] = [value && this.#singleRow(value, axis), rankOf(value)];
    if (!row || rank === undefined || (node.opset ?? 0) < Math.min(...Expand.since)) return;
    const ones = (n: number): number[] => Array.from({ length: n }, () => 1);
    const shape =
      typeof this.target === 'number'
        ? this.#later((batch) => int64Tensor([rank], ones(rank).with(axis, batch)), `${row.name}_batch`)
        : this.#joined(
            [ones(axis), undefined, ones(rank - axis - 1)]
              .filter((p) => p?.length !== 0)
              .map((p) => (p ? this.#ints(p) : this.#batchVector())),
            node,
          );
    this.edit.setInput(node, index, this.#add(Expand, { x: row, shape }, {}, node).out.y);
  }

  /** One row in the place of a batch of equal ones: the operator broadcasts it. */
  narrow(node: Node, index: number, axis: number): void {
    const value = node.inputs[index];
    const row = value && this.#singleRow(value, axis);
    if (row && row !== value) this.edit.setInput(node, index, row);
  }

  /** Writes the numbers of the batch that is asked for. */
  settle(): void {
    if (typeof this.target !== 'number') return;
    for (const { value, make } of this.#pending) this.edit.setInitializer(value, make(this.target));
  }

  /** One row of what has equal ones: a constant, or what repeats one. */
  #singleRow(value: Value, axis: number): Value | undefined {
    const size = shapeOf(value)?.[axis];
    if (size === 1) return value;
    const held = constantOf(value);
    if (held && typeof size === 'number') {
      const equal = equalTensors(
        takeRows(
          held,
          axis,
          Array.from({ length: size }, () => 0),
        ),
        held,
      );
      return equal ? this.#constant(takeRows(held, axis, [0]), `${value.name}_row`) : undefined;
    }
    return this.#repeatedLess(value, axis);
  }

  /** What is repeated by a constant number of times along an axis, repeated once. */
  #repeatedLess(value: Value, axis: number): Value | undefined {
    const node = value.producer;
    const rank = rankOf(value) ?? 0;
    if (node?.is(ConstantOfShape)) {
      const shape = this.#withOne(node.in.shape, axis, rank);
      return shape && this.#add(ConstantOfShape, { shape }, { value: node.attr.value }, node).out.y;
    }
    if (!node?.is(Expand) && !node?.is(Tile)) return undefined;
    const { x } = node.in;
    const inner = axis - rank + (rankOf(x) ?? rank);
    if (inner >= 0 && shapeOf(x)?.[inner] !== 1) return undefined;
    const once = this.#withOne(node.is(Expand) ? node.in.shape : node.in.repeats, axis, rank);
    if (!once) return undefined;
    if (node.is(Expand)) return this.#add(Expand, { x, shape: once }, {}, node).out.y;
    return this.#add(Tile, { x, repeats: once }, {}, node).out.y;
  }

  /** A constant vector of sizes, the last for the last of `rank` axes, with 1 for one of them. */
  #withOne(vector: Value, axis: number, rank: number): Value | undefined {
    const held = constantOf(vector);
    const ints = held && constantInts(held);
    const at = axis - rank + (ints?.length ?? 0);
    return ints?.[at] === undefined ? undefined : this.#ints(ints.with(at, 1));
  }

  /** [N], computed from the shape of an input. */
  #batchVector(): Value {
    if (this.#vector) return this.#vector;
    const { value, axis } = this.input;
    const first = this.graph.first;
    const shape = this.#add(ShapeOp, { x: value }, {}, first).out.y;
    this.#vector = this.#add(Gather, { x: shape, indices: this.#ints([axis]) }, { axis: 0 }, first).out.y;
    return this.#vector;
  }

  #entry(vector: Value, i: number, before: Node): Value {
    return this.#add(Gather, { x: vector, indices: this.#ints([i]) }, { axis: 0 }, before).out.y;
  }

  #joined(parts: readonly Value[], before: Node): Value {
    const [only] = parts;
    return only && parts.length === 1 ? only : this.#add(Concat, { xs: parts }, { axis: 0 }, before).out.y;
  }

  #ints(numbers: readonly number[]): Value {
    return this.#constant(int64Tensor([numbers.length], numbers), 'sizes');
  }

  #constant(data: Tensor, hint: string): Value {
    return this.edit.constant(this.graph, data, hint);
  }

  #later(make: (batch: number) => Tensor, hint: string): Value {
    const value = this.#constant(make(this.sizes.batch * PROBE), hint);
    this.#pending.push({ value, make });
    return value;
  }

  #add<D extends AnyOpDef>(op: D, inputs: InputsOf<D>, attrs: AttrsOf<D>, before: Node | undefined): NodeOf<D> {
    const node = this.edit.add(this.graph, op, inputs, attrs, { before });
    inferNode(node, op, this.sizes.known);
    return node;
  }
}

/** Whether a constant is zero throughout: what an operator takes where it is given nothing. */
export const isZero = (value: Value | undefined): boolean => {
  const held = constantOf(value);
  return held !== undefined && isNumeric(held.dtype) && asFloat64(held).every((v) => v === 0);
};
