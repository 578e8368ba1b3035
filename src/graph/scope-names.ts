import type { Graph, Model } from './ir.js';
import { everyGraph } from './walk.js';

/**
 * Which names are free where. A graph may have none that a graph around it has, or one inside it (ONNX IR
 * specification, "Names Within a Graph"): it would stand for another value there, and runtimes do not agree on which.
 */
class ScopeNames {
  /** Subgraphs of the model as it is. */
  readonly #graphs = new Set<Graph>();
  /** For graphs with others inside them: the names of all values in those, with how many have each. */
  readonly #inside = new Map<Graph, Map<string, number>>();

  constructor(model: Model) {
    this.addGraphs(everyGraph(model));
  }

  /** Graphs that came into the model. Those inside them are not looked for. */
  addGraphs(graphs: readonly Graph[]): void {
    for (const graph of graphs) {
      if (!graph.parent || this.#graphs.has(graph)) continue;
      this.#graphs.add(graph);
      for (const name of graph.values.keys()) this.add(graph, name);
    }
  }

  /** Graphs that went. */
  removeGraphs(graphs: readonly Graph[]): void {
    for (const graph of graphs) {
      for (const name of graph.values.keys()) this.remove(graph, name);
      this.#graphs.delete(graph);
    }
  }

  add(graph: Graph, name: string): void {
    if (!this.#graphs.has(graph)) return;
    for (let outer = graph.parent; outer; outer = outer.parent) {
      const names = this.#inside.get(outer) ?? new Map<string, number>();
      this.#inside.set(outer, names.set(name, (names.get(name) ?? 0) + 1));
    }
  }

  remove(graph: Graph, name: string): void {
    if (!this.#graphs.has(graph)) return;
    for (let outer = graph.parent; outer; outer = outer.parent) {
      const names = this.#inside.get(outer);
      const count = names?.get(name) ?? 0;
      if (count > 1) names?.set(name, count - 1);
      else names?.delete(name);
    }
  }

  /** Whether a value of `graph` may be given a name. */
  isFree(graph: Graph, name: string): boolean {
    return outerNamed(graph, name) === undefined && !graph.values.has(name) && !this.#inside.get(graph)?.has(name);
  }
}

const known = new WeakMap<Model, ScopeNames>();

/** The names of a model, which all its editors keep. */
export function scopeNames(model: Model): ScopeNames {
  const names = known.get(model) ?? new ScopeNames(model);
  known.set(model, names);
  return names;
}

/** The innermost graph around `graph` that has a value of that name. */
export function outerNamed(graph: Graph, name: string): Graph | undefined {
  for (let outer = graph.parent; outer; outer = outer.parent) if (outer.values.has(name)) return outer;
  return undefined;
}
