import { type Graph, Model, type Node, type Value } from '../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { constantOf, Flatten, Reshape, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from '../ops/index.js';
import { elementCount } from '../tensor/dtype.js';
import { asFloat64, isNumeric, type Tensor } from '../tensor/tensor.js';

/* What rules ask of the graph around a node. */

/** Operators that only count the same elements by another shape. */
export const VIEWS = [Reshape, Flatten, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1] as const;

/** The node that makes a value, if it is an application of `op`. */
export function producer<D extends AnyOpDef>(value: Value | undefined, op: D): NodeOf<D> | undefined {
  const node = value?.producer;
  return node?.is(op) ? node : undefined;
}

/** Whether one input of one node of the same graph is all that needs a value: no other node, no subgraph, no output of a graph. */
export function usedOnce(value: Value): boolean {
  if (value.outputCount > 0 || value.uses.size !== 1) return false;
  for (const [user, count] of value.uses) return count === 1 && user.graph === value.graph;
  return false;
}

/** Whether one node of the same graph is all that needs a value, on however many inputs. */
export function usedOnlyBy(value: Value, node: Node): boolean {
  return value.outputCount === 0 && value.uses.size === 1 && value.uses.has(node) && node.graph === value.graph;
}

const sameDim = (a: Dim, b: Dim): boolean => a !== undefined && a === b;

/** Whether two shapes are proven equal: the same numbers, or the same names, on every axis. */
export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a !== undefined && b?.length === a.length && a.every((d, i) => sameDim(d, b[i]));
}

/** Whether an operand of shape `operand` is proven to leave the shape `x` as it is when the two broadcast. */
export function broadcastsInto(operand: Shape | undefined, x: Shape | undefined): boolean {
  if (!operand) return false;
  if (operand.length === 0) return true;
  if (!x || operand.length > x.length) return false;
  return operand.every((d, i) => d === 1 || sameDim(d, x[x.length - operand.length + i]));
}

/** Constants with more elements than this are not searched for being all zeros or ones: nobody writes such. */
const MAX_SEARCHED = 1 << 20;

/** Whether every element of a tensor is `fill` (a zero of either sign is a zero). */
export function isFilledWith(t: Tensor | undefined, fill: number): boolean {
  if (!t || !isNumeric(t.dtype) || elementCount(t.shape) > MAX_SEARCHED) return false;
  return asFloat64(t).every((v) => v === fill);
}

/** Pads of a window (all begins, then all ends) grown by what a Pad of N,C,D1..Dn adds to the spatial axes. */
export function addPads(
  own: readonly number[] | undefined,
  p: { readonly begin: readonly number[]; readonly end: readonly number[] },
): number[] {
  return [...p.begin.slice(2), ...p.end.slice(2)].map((n, i) => n + (own?.[i] ?? 0));
}

/** Whether a graph can hold one more initializer: below IR version 4 they are graph inputs, and a subgraph's inputs are its caller's. */
export const holdsInitializers = (graph: Graph): boolean =>
  graph.root instanceof Model && (!graph.parent || graph.model.overridableInitializers);

/** The data of a value that is known to be a constant. */
export function heldConstant(value: Value): Tensor {
  const held = constantOf(value);
  if (!held) throw new Error(`bug: ${value.name} is no constant`);
  return held;
}

/** Whether a constant may take a value's place: outputs are left as they are, and what a kernel writes into would then stay written. */
export const mayFold = (value: Value): boolean => value.outputCount === 0 && !value.isOverwritten;

/** A constant with more bytes than this is not copied into another form while something else still needs the first: 1 MiB. */
const MAX_COPIED_BYTES = 1 << 20;

/** Whether a constant in another form would stand in the model beside the first, and be large. */
export const wouldCopy = (constant: Value, bytes: number): boolean =>
  bytes > MAX_COPIED_BYTES && (constant.uses.size > 1 || constant.outputCount > 0);
