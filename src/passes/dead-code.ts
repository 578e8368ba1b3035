import { type Editor, everyGraph } from '../graph/edit.js';
import type { Graph, Model, Node, Value } from '../graph/ir.js';
import { isLive } from './runner.js';

const isNeeded = (value: Value): boolean => value.uses.size > 0 || value.outputCount > 0;

/** A node that has no outputs at all can only be there for what it does; one whose outputs nobody reads is not needed. */
const isDead = (node: Node): boolean => node.outputs.length > 0 && !node.outputs.some((v) => v && isNeeded(v));

/** Removes the nodes and initializers that no output depends on, in every graph but the bodies of functions. Gives how many went. */
export function removeDeadCode(model: Model, edit: Editor): number {
  let removed = 0;
  for (const graph of everyGraph(model)) {
    if (graph.root !== model) continue;
    for (const node of [...graph.nodes()].reverse()) {
      if (!isLive(node) || !isDead(node)) continue;
      edit.remove(node);
      removed += 1;
    }
    for (const value of unneededConstants(graph)) {
      edit.removeUnused(value);
      removed += 1;
    }
  }
  return removed;
}

/** One that callers may override stays: they may be doing so. */
function unneededConstants(graph: Graph): Value[] {
  const all = [...graph.initializers, ...graph.sparseInitializers];
  return all.filter((v) => !isNeeded(v) && !(v.isInput && (graph.parent || graph.model.overridableInitializers)));
}
