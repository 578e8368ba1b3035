import { canonicalDomain, type FunctionDef, type Model, type Node } from './ir.js';

/** What identifies a function among a model's. */
const functionKey = (domain: string | undefined, name: string | undefined, overload: string | undefined): string =>
  [canonicalDomain(domain), name ?? '', overload ?? ''].join('\u0000');

/** The functions of a model, found by the nodes that call them. Of several with one key the last is called. */
export class Functions {
  readonly #byKey: ReadonlyMap<string, FunctionDef>;

  constructor(model: Model) {
    this.#byKey = new Map(model.functions.map((f) => [functionKey(f.domain, f.name, f.overload), f]));
  }

  /** The one that is called where `f` is: another one, when `f` is defined twice. */
  definition(f: FunctionDef): FunctionDef | undefined {
    return this.#byKey.get(functionKey(f.domain, f.name, f.overload));
  }

  /** The function that a node is a call of. */
  called(node: Node): FunctionDef | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(functionKey(node.domain, node.opType, node.overload));
  }
}
