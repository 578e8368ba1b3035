import { canonicalDomain, type Node } from './ir.js';
import type { AnyOpDef } from './op-def.js';

/** Declared operators, found by name and version. Which ones there are, `src/ops` says. */
export class OpRegistry {
  readonly #byDomain = new Map<string, Map<string, AnyOpDef[]>>();

  constructor(readonly all: readonly AnyOpDef[]) {
    for (const op of all) {
      const byName = this.#byDomain.get(op.domain) ?? new Map<string, AnyOpDef[]>();
      this.#byDomain.set(op.domain, byName);
      const same = byName.get(op.name);
      if (same) same.push(op);
      else byName.set(op.name, [op]);
    }
  }

  /** The signature that `version` of a domain gives an operator; undefined when that one is not declared. */
  at(domain: string, name: string, version: number): AnyOpDef | undefined {
    const named = this.#byDomain.get(canonicalDomain(domain))?.get(name);
    return named?.find((op) => version >= (op.since[0] ?? 1) && (op.until === undefined || version < op.until));
  }

  /** The last version up to `version` in which a domain changed an operator; undefined when it is not declared. */
  lastChange(domain: string, name: string, version: number): number | undefined {
    const changes = this.#byDomain
      .get(canonicalDomain(domain))
      ?.get(name)
      ?.flatMap((op) => op.since);
    const before = changes?.filter((since) => since <= version);
    return before && before.length > 0 ? Math.max(...before) : undefined;
  }

  /** The declaration that a node is an application of; undefined when there is none, or the node does not fit it. */
  of(node: Node): AnyOpDef | undefined {
    const op = this.declared(node);
    return op && node.is(op) ? op : undefined;
  }

  /** The declaration for a node's name and version, whether or not its inputs and attributes fit. */
  declared(node: Node): AnyOpDef | undefined {
    const version = node.opset;
    return version === undefined ? undefined : this.at(node.domain, node.opType, version);
  }
}
