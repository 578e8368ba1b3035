import type { Attr } from '../graph/attr.js';
import { type Editor, graphsWithin } from '../graph/edit.js';
import { Functions } from '../graph/functions.js';
import { canonicalDomain, type FunctionDef, type Model, type Node } from '../graph/ir.js';
import { canCopyIn, Splicer } from '../graph/splice.js';
import { registry } from '../ops/index.js';
import { giveResults } from './results.js';
import { isLive } from './runner.js';

/** Calls in called functions are followed this deep: no exporter nests further, and a broken file may call in a circle. */
const MAX_DEPTH = 32;
/** Nodes written out in all: calls of calls of calls may multiply. */
const MAX_NODES = 200_000;

/** Writes functions of the model out where they are called, those that they call included, and drops what nobody calls any more. Gives how many calls went. */
export function inlineFunctions(model: Model, edit: Editor): number {
  if (model.functions.length === 0) return 0;
  const functions = new Functions(model);
  const calledBy = (node: Node): FunctionDef | undefined => functions.called(node);
  const pending = graphsWithin([model.graph])
    .flatMap((g) =>
      Array.from(g.nodes())
        .filter(calledBy)
        .map((call) => ({ call, depth: 0 })),
    )
    .reverse();
  let splicer: Splicer | undefined;
  let [inlined, room] = [0, MAX_NODES];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { call, depth } = next;
    const f = calledBy(call);
    if (!f || !isLive(call) || depth >= MAX_DEPTH || room < f.body.nodeCount) continue;
    if (!canCopyIn(f, call) || !importsFit(f, model, edit)) continue;
    room -= f.body.nodeCount;
    splicer ??= new Splicer(edit);
    const before = call.previous;
    const results = splicer.copyIn(f, call, attributesOf(f, call));
    // The first call is taken next: it gets the names as they are.
    for (let node = call.previous; node && node !== before; node = node.previous)
      for (const inner of [node, ...graphsWithin(node.subgraphs).flatMap((g) => [...g.nodes()])].toReversed())
        if (calledBy(inner)) pending.push({ call: inner, depth: depth + 1 });
    giveResults(call, results, edit);
    inlined += 1;
  }
  if (inlined > 0) dropUncalled(model, edit, calledBy);
  return inlined;
}

function attributesOf(f: FunctionDef, call: Node): ReadonlyMap<string, Attr> {
  const attributes = new Map(f.attributeDefaults.map((a) => [a.name, a]));
  for (const a of call.attrs.values()) attributes.set(a.name, a);
  return attributes;
}

/** Whether every operator of a body means the same at the versions that the model imports; domains that only the function imports are added to the model's. */
function importsFit(f: FunctionDef, model: Model, edit: Editor): boolean {
  const nodes = graphsWithin([f.body]).flatMap((g) => [...g.nodes()]);
  const fits = ({ domain, opType }: Node): boolean => {
    const [own, outer] = [f.opset(domain), model.opset(domain)];
    if (own === undefined || outer === undefined || own === outer) return true;
    const change = registry.lastChange(domain, opType, own);
    return change !== undefined && change === registry.lastChange(domain, opType, outer);
  };
  if (!nodes.every(fits)) return false;
  const missing = f.opsetImports.filter((i) => model.opset(canonicalDomain(i.domain)) === undefined);
  if (missing.length > 0) edit.setHeader({ opsetImports: [...model.opsetImports, ...missing] });
  return true;
}

function dropUncalled(model: Model, edit: Editor, calledBy: (node: Node) => FunctionDef | undefined): void {
  const called = new Set<FunctionDef>();
  const pending = graphsWithin([model.graph]);
  for (let graph = pending.pop(); graph; graph = pending.pop())
    for (const node of graph.nodes()) {
      const f = calledBy(node);
      if (!f || called.has(f)) continue;
      called.add(f);
      pending.push(...graphsWithin([f.body]));
    }
  edit.listFunctions(model.functions.filter((f) => called.has(f)));
}
