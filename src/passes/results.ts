import type { Editor } from '../graph/edit.js';
import type { Node, Value } from '../graph/ir.js';
import { Identity } from '../ops/index.js';
import { isLive } from './runner.js';

/** Lets the users of a node's outputs use `results` instead, and removes the node. Where a name would be lost by that, an Identity keeps it. */
export function giveResults(node: Node, results: readonly (Value | undefined)[], edit: Editor): void {
  node.outputs.forEach((y, i) => {
    const result = results[i];
    if (y && result && (y.uses.size > 0 || y.outputCount > 0)) giveResult(y, result, node, edit);
  });
  // The last output to be replaced took the node with it; one without used outputs is still there.
  if (isLive(node)) edit.remove(node);
}

/** Lets the users of `y` use `result` instead; where its name would be lost by that, through an Identity before `node`. */
export function giveResult(y: Value, result: Value, node: Node, edit: Editor): void {
  const stays = edit.canReplaceUses(y, result);
  edit.replaceUses(y, stays ? result : edit.add(node.graph, Identity, { x: result }, {}, { before: node }).out.y);
}
