import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import { intsOf, type KnownInts } from '../../graph/infer-node.js';
import type { AnyOpDef, NodeOf } from '../../graph/op-def.js';
import { Constant, constantOf } from '../../ops/index.js';
import { asFloat64, asInt64, int64Tensor, type Tensor } from '../../tensor/tensor.js';
import { holdsInitializers } from '../match.js';

/** Why a node cannot be expressed exactly in the next version. */
export interface Refusal {
  readonly refused: string;
}
export const refuse = (reason: string): Refusal => ({ refused: reason });
export const isRefusal = (x: object | undefined): x is Refusal => x !== undefined && 'refused' in x;

/** The edit that brings a node to the next version. Runs when the graph imports that version already. */
export type Change = (edit: Editor) => void;

/**
 * What a node becomes in the next version: asked while the graph still imports the present one. Undefined: it stays as it is, but for
 * attributes that the older version lacks, which go where they have their default values.
 */
export type Move = (node: Node, at: Step) => Change | Refusal | undefined;

/** One row of the table: how a version changed an operator. A direction without a move needs no edit. */
export interface OpsetChange {
  readonly op: string;
  /** The opset that brought the change. */
  readonly version: number;
  /** What changed, for reports and docs. */
  readonly changes: string;
  readonly up?: Move | undefined;
  readonly down?: Move | undefined;
}

/** A move of nodes that fit `op`, which are read through it. */
export const of =
  <D extends AnyOpDef>(op: D, move: (node: NodeOf<D>, at: Step) => Change | Refusal | undefined): Move =>
  (node, at) =>
    node.is(op)
      ? move(node, at)
      : refuse(`its inputs and attributes are not those of ${op.name} at opset ${node.opset}`);

/** One step of a conversion, from `version` to a neighbour: what moves ask of the values around a node. */
export class Step {
  constructor(
    readonly known: KnownInts,
    readonly to: number,
  ) {}

  /** The integers of a constant, or those that shape arithmetic gives, all of them numbers. */
  ints(value: Value | undefined): readonly bigint[] | undefined {
    const held = constantOf(value);
    if (held?.dtype === 'int64') return Array.from(asInt64(held));
    if (held?.dtype === 'int32') return Array.from(asFloat64(held), BigInt);
    const found = value && intsOf(value, this.known);
    return found?.every((d) => typeof d === 'number') ? found.map(BigInt) : undefined;
  }

  /** The same as numbers; those beyond 2^53 lose digits. */
  numbers(value: Value | undefined): readonly number[] | undefined {
    return this.ints(value)?.map(Number);
  }
}

/** A constant that nodes of the graph of `before` can read: an initializer, or a Constant where the graph can hold none. */
export function constant(edit: Editor, before: Node, data: Tensor, hint: string): Value {
  if (holdsInitializers(before.graph)) return edit.constant(before.graph, data, hint);
  return edit.add(before.graph, Constant, {}, { value: data }, { outputs: [edit.freshName(hint)], before }).out.y;
}

export const int64Constant = (edit: Editor, before: Node, values: readonly (number | bigint)[], hint: string): Value =>
  constant(edit, before, int64Tensor([values.length], values), nameFor(before, hint));

/** A name for a constant of a node: the name of what it makes, and what the constant is. */
export const nameFor = (node: Node, what: string): string =>
  `${node.outputs.find((v) => v)?.name ?? node.opType}_${what}`;

/** Whether anything reads a value. */
export const isUsed = (value: Value | undefined): boolean =>
  value !== undefined && (value.uses.size > 0 || value.outputCount > 0);

/** Changes input `index` of a node, or leaves it out; absent inputs at the end go. */
export function setInput(edit: Editor, node: Node, index: number, value: Value | undefined): void {
  const inputs = Array.from({ length: Math.max(node.inputs.length, index + 1) }, (_, i) => node.inputs[i]);
  inputs[index] = value;
  while (inputs.length > 0 && inputs.at(-1) === undefined) inputs.pop();
  edit.setInputList(node, inputs);
}
