import { type Editor, graphsWithin } from '../graph/edit.js';
import { intsOf, type KnownInts } from '../graph/infer-node.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import type { NodeOf } from '../graph/op-def.js';
import { Splicer } from '../graph/splice.js';
import { isTensorType } from '../graph/types.js';
import { If, Loop, Unsqueeze, Unsqueeze1 } from '../ops/index.js';
import { int64Tensor, tensor } from '../tensor/tensor.js';
import { holdsInitializers } from './match.js';
import { giveResults } from './results.js';
import { isLive } from './runner.js';

/**
 * An If whose condition is known -> the branch that it takes. A Loop that is known to make one round -> its body; one that makes none -> what it is given.
 * Gives how many went.
 */
export function takeKnownBranches(model: Model, edit: Editor, known: KnownInts): number {
  const nodes = graphsWithin([model.graph]).flatMap((g) => Array.from(g.nodes()).filter((n) => n.attrs.size > 0));
  let splicer: Splicer | undefined;
  let taken = 0;
  for (const node of nodes) {
    if (!isLive(node) || !holdsInitializers(node.graph) || node.outputs.some((v) => v?.isOverwritten)) continue;
    const move = (body: Graph, given: readonly Value[]): (Value | undefined)[] => {
      splicer ??= new Splicer(edit);
      return splicer.moveOut(body, node, given);
    };
    const results = node.is(If)
      ? branchTaken(node, known, move)
      : node.is(Loop)
        ? roundMade(node, edit, known, move)
        : undefined;
    if (!results) continue;
    giveResults(node, results, edit);
    taken += 1;
  }
  return taken;
}

type Move = (body: Graph, given: readonly Value[]) => readonly (Value | undefined)[];
type Results = readonly (Value | undefined)[];

/** The one number that a value holds, a truth as 0 or 1. */
function numberIn(value: Value, known: KnownInts): number | undefined {
  const ints = intsOf(value, known);
  const [first] = ints ?? [];
  return ints?.length === 1 && typeof first === 'number' ? first : undefined;
}

function branchTaken(node: NodeOf<typeof If>, known: KnownInts, move: Move): Results | undefined {
  const condition = numberIn(node.in.condition, known);
  if (condition === undefined) return undefined;
  return move(condition === 0 ? node.attr.else_branch : node.attr.then_branch, []);
}

function roundMade(node: NodeOf<typeof Loop>, edit: Editor, known: KnownInts, move: Move): Results | undefined {
  const { trips, condition, states } = node.in;
  const { body } = node.attr;
  const [count, starts] = [trips && numberIn(trips, known), condition ? numberIn(condition, known) : 1];
  const scanned = node.outputs.slice(states.length).some((v) => v && (v.uses.size > 0 || v.outputCount > 0));
  if (starts === 0 || (count !== undefined && count <= 0)) return scanned ? undefined : states;
  const goesOn = body.outputs[0] && numberIn(body.outputs[0], known);
  if (starts === undefined || !(count === 1 || goesOn === 0) || (trips && count === undefined)) return undefined;
  // The number of the round and the condition have one element, of the rank that the body says.
  const shapeOfInput = (i: number): number[] => (declaredRank(body, i) === 1 ? [1] : []);
  const round = edit.constant(node.graph, int64Tensor(shapeOfInput(0), [0]), 'round');
  const going = edit.constant(node.graph, tensor('bool', shapeOfInput(1), Uint8Array.of(1)), 'going');
  const [, ...results] = move(body, [round, going, ...states]);
  return results.map((value, i) => (value && i >= states.length ? stacked(value, node, edit) : value));
}

function declaredRank(body: Graph, input: number): number | undefined {
  const value = body.inputs[input];
  const type = value && body.inputInfos.get(value)?.type;
  return isTensorType(type) ? type.shape?.length : undefined;
}

function stacked(value: Value, node: Node, edit: Editor): Value {
  const options = { before: node };
  if ((node.opset ?? 0) < 13) return edit.add(node.graph, Unsqueeze1, { x: value }, { axes: [0] }, options).out.y;
  const axes = edit.constant(node.graph, int64Tensor([1], [0]), 'axes');
  return edit.add(node.graph, Unsqueeze, { x: value, axes }, {}, options).out.y;
}
