import { type Editor, everyGraph } from '../graph/edit.js';
import { constantInts } from '../graph/infer-node.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import { topologicalOrder } from '../graph/order.js';
import { isOpenSize } from '../graph/types.js';
import {
  Add,
  BatchNormalization,
  BatchNormalization7,
  constantOf,
  Conv,
  ConvTranspose,
  Div,
  Gather,
  Gemm,
  MatMul,
  Mul,
  ShapeOp,
  Sub,
} from '../ops/index.js';
import { shapeOf } from '../ops/tensors.js';
import { int64Tensor } from '../tensor/tensor.js';
import { isDeterministic } from './deterministic.js';
import { holdsInitializers, sameShape } from './match.js';

/** What the algebra merges: somebody who asks for the shape of such a value keeps it from that. */
const MERGED = [
  Add,
  BatchNormalization,
  BatchNormalization7,
  Conv,
  ConvTranspose,
  Div,
  Gemm,
  MatMul,
  Mul,
  Sub,
] as const;

/** Users of a value that are looked at: no exporter asks more often for one shape. */
const MAX_USERS = 16;

/**
 * Lets what asks for a size ask elsewhere, so that it keeps nobody from merging what it asked: Gather(Shape(v), i) -> Gather(Shape(x), j) where x is an input
 * of the model and has that size on axis j; Shape(v) -> Shape(f(v)) where f(v) is all else that v is needed for, and has its shape. Gives how many do.
 */
export function moveShapeQueries(model: Model, edit: Editor): number {
  const places = inputPlaces(model.graph);
  let moved = 0;
  for (const graph of everyGraph(model)) {
    if (graph.root !== model) continue;
    const order = topologicalOrder(graph);
    // Positions say what may depend on what, if the file has its nodes in order.
    const isSorted = order.every((node, i) => node.position === i);
    let isMoved = false;
    const shapes = new Map<Value, Value>();
    for (const node of order) {
      if (node.is(Gather) && graph === model.graph && holdsInitializers(graph)) {
        if (askInput(node, places, shapes, edit)) moved += 1;
      } else if (isSorted && node.is(ShapeOp) && MERGED.some((op) => node.in.x.producer?.is(op))) {
        const later = lastOfShape(node.in.x, node);
        if (later === node.in.x) continue;
        edit.setInput(node, 0, later);
        isMoved = true;
        moved += 1;
      }
    }
    if (isMoved) edit.reorder(graph, topologicalOrder(graph));
  }
  return moved;
}

interface Place {
  readonly input: Value;
  readonly axis: number;
}

/** Where each named size stands first among the inputs. */
function inputPlaces(graph: Graph): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const input of graph.inputs)
    for (const [axis, d] of (shapeOf(input) ?? []).entries())
      if (typeof d === 'string' && !isOpenSize(d) && !input.initializer && !places.has(d))
        places.set(d, { input, axis });
  return places;
}

function askInput(
  node: Node & { readonly in: { readonly x: Value; readonly indices: Value } },
  places: ReadonlyMap<string, Place>,
  shapes: Map<Value, Value>,
  edit: Editor,
): boolean {
  const asked = node.in.x.producer;
  const held = constantOf(node.in.indices);
  if (!asked?.is(ShapeOp) || asked.attr.start !== 0 || asked.attr.end !== undefined || !held) return false;
  const [index, ...others] = constantInts(held) ?? [];
  if (index === undefined || others.length > 0 || held.shape.length > 1) return false;
  const size = shapeOf(asked.in.x)?.at(index);
  const place = typeof size === 'string' ? places.get(size) : undefined;
  if (!place || place.input === asked.in.x) return false;
  let source = shapes.get(place.input);
  if (!source) {
    source = edit.add(node.graph, ShapeOp, { x: place.input }, {}, { before: node.graph.first }).out.y;
    shapes.set(place.input, source);
  }
  edit.setInput(node, 0, source);
  edit.setInput(
    node,
    1,
    edit.constant(node.graph, int64Tensor(held.shape, [place.axis]), `${node.outputs[0]?.name}_axis`),
  );
  return true;
}

/** The last of the values that follow each other, each all that the one before is needed for beside its shape, and of that shape. */
function lastOfShape(from: Value, asking: Node): Value {
  let value = from;
  for (;;) {
    const next = onlyUser(value, asking);
    if (!next) return value;
    value = next;
  }
}

function onlyUser(value: Value, asking: Node): Value | undefined {
  if (value.outputCount > 0 || value.uses.size > MAX_USERS) return undefined;
  const others = Array.from(value.uses.keys()).filter((user) => !user.is(ShapeOp));
  const [user] = others;
  const result = user?.outputs[0];
  if (!user || !result || others.length > 1 || user.outputs.length > 1 || user.graph !== asking.graph) return undefined;
  if (!isDeterministic(user) || !sameShape(shapeOf(result), shapeOf(value))) return undefined;
  // What stands before the question does not depend on its answer.
  const isBefore = (v: Value | undefined): boolean =>
    !v?.producer || v.graph !== asking.graph || v.producer.position < asking.position;
  return user.inputs.every((v) => v === value || isBefore(v)) ? result : undefined;
}
