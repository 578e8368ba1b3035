import { CnnxError } from '../base/errors.js';
import { Editor, everyGraph } from '../graph/edit.js';
import { type Graph, type Model, Node } from '../graph/ir.js';
import type { Reason } from './reasons.js';
import { notApplicable, isSkip, type Rule, type Skip } from './rule.js';

/** Rules settle, since each takes nodes away or moves towards a form; a set that makes this many edits a node does not. */
const MAX_EDITS_PER_NODE = 20;

/** What rules did, and what they left alone and why. */
export interface RunReport {
  /** Edits by rule. */
  readonly applied: Map<string, number>;
  /** How often each rule gave each reason, quiet ones included. */
  readonly skipped: Map<string, Map<Reason, number>>;
  /** The places that looked right and were left alone, as they stood at the end. */
  readonly left: readonly Place[];
}

interface Place {
  readonly rule: string;
  readonly reason: Reason;
  readonly node: Node;
}

/** Applies rules to every node of a model (not to the bodies of functions) until none applies. */
export function runRules(
  model: Model,
  rules: readonly Rule[],
  options: { readonly order?: 'forward' | 'backward' } = {},
): RunReport {
  const byOp = new Map<string, Rule[]>();
  for (const rule of rules)
    for (const name of new Set(rule.roots.map((r) => r.name))) byOp.set(name, [...(byOp.get(name) ?? []), rule]);
  const queue = new Queue((node) => byOp.has(node.opType));
  const listeners = rules.flatMap((rule) => rule.touched ?? []);
  const edit = new Editor(model, (node) => {
    queue.addAround(node);
    for (const touched of listeners) touched(node);
  });
  const graphs = everyGraph(model).filter((g) => g.root === model);
  if (options.order === 'backward')
    for (const graph of graphs.toReversed()) for (let node = graph.last; node; node = node.previous) queue.add(node);
  else for (const graph of graphs) for (let node = graph.first; node; node = node.next) queue.add(node);

  const applied = new Map<string, number>();
  const skipped = new Map<string, Map<Reason, number>>();
  const left = new Map<Node, readonly Place[]>();
  let budget = MAX_EDITS_PER_NODE * (graphs.reduce((n, g) => n + g.nodeCount, 0) + 50);
  for (let node = queue.take(); node; node = queue.take()) {
    for (const rule of byOp.get(node.opType) ?? []) {
      const before = edit.revision;
      const skip = ask(rule, node, edit);
      const edited = edit.revision !== before;
      if (edited === (skip !== undefined))
        throw new Error(`bug: rule ${rule.name} ${edited ? 'edited and then skipped' : 'neither edited nor skipped'}`);
      if (isSkip(skip)) {
        count(skipped, rule.name, skip.skip);
        const places = left.get(node);
        if (places || !skip.quiet) left.set(node, placesWith(places ?? [], rule, skip, node));
        continue;
      }
      applied.set(rule.name, (applied.get(rule.name) ?? 0) + 1);
      left.delete(node);
      if (budget-- === 0) throw new Error(`bug: the rules do not settle; the last was ${rule.name}`);
      if (!isLive(node)) break;
    }
  }
  const places = [...left].flatMap(([node, own]) => (isLive(node) ? own : []));
  return { applied, skipped, left: places };
}

/** The places at a node, with what one rule says of it by now. */
function placesWith(places: readonly Place[], rule: Rule, { skip, quiet }: Skip, node: Node): readonly Place[] {
  const own = quiet ? [] : [{ rule: rule.name, reason: skip, node }];
  const at = places.findIndex((p) => p.rule === rule.name);
  return at < 0 ? [...places, ...own] : places.toSpliced(at, 1, ...own);
}

/** What a rule makes of a node. Constants may not be readable (stripped weights, a file that is gone), and attributes may contradict each other. */
function ask(rule: Rule, node: Node, edit: Editor): Skip | undefined {
  const before = edit.revision;
  try {
    return rule.apply(node, edit);
  } catch (error) {
    if (!(error instanceof CnnxError) || edit.revision !== before) throw error;
    return notApplicable('unreadable');
  }
}

function count(counts: Map<string, Map<Reason, number>>, name: string, reason: Reason): void {
  const own = counts.get(name) ?? new Map<Reason, number>();
  counts.set(name, own.set(reason, (own.get(reason) ?? 0) + 1));
}

/** Whether a node still stands in the model, and not in a graph that was removed with its node. */
export function isLive(node: Node): boolean {
  let at: Node = node;
  for (;;) {
    if (at.previous === undefined && at.graph.first !== at) return false;
    const owner: Graph['owner'] = at.graph.owner;
    if (!(owner instanceof Node)) return true;
    at = owner;
  }
}

/** Users of a value with more than this are not looked at again when its producer changes: no rule is about such hubs, and looking would be quadratic. */
const MAX_USERS_REVISITED = 64;

/** The same holds for the producers of a node with more inputs than this. */
const MAX_INPUTS_REVISITED = 64;

/** Nodes to look at, of those that some rule is about, each once at a time, in the order of asking. */
class Queue {
  #waiting = new Set<Node>();
  #order: Node[] = [];
  #at = 0;

  constructor(private readonly concerns: (node: Node) => boolean) {}

  add(node: Node): void {
    if (!this.concerns(node) || this.#waiting.has(node)) return;
    this.#waiting.add(node);
    this.#order.push(node);
  }

  /** A node and its neighbours: what an edit may have opened a way for. */
  addAround(node: Node): void {
    this.add(node);
    if (node.inputs.length <= MAX_INPUTS_REVISITED)
      for (const value of node.inputs) if (value?.producer) this.add(value.producer);
    for (const value of node.outputs)
      if (value && value.uses.size <= MAX_USERS_REVISITED) for (const user of value.uses.keys()) this.add(user);
  }

  take(): Node | undefined {
    while (this.#at < this.#order.length) {
      const node = this.#order[this.#at++];
      if (!node) break;
      this.#waiting.delete(node);
      if (isLive(node)) return node;
    }
    return undefined;
  }
}
