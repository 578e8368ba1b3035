import type { Node } from './ir.js';
import { nodeLabel } from './order.js';

/**
 * What the checker can find, one row each; sorted. A warning breaks the ONNX specification, but runtimes take it:
 * onnxruntime sorts nodes for itself, and trusts what it infers more than what a file declares.
 */
export const PROBLEMS = {
  arity: { severity: 'error', doc: 'an operator or function is given too few or too many inputs or outputs' },
  attribute: { severity: 'error', doc: 'an attribute is unknown, missing, of another kind, or not an allowed value' },
  cycle: { severity: 'error', doc: 'nodes depend on each other in a circle' },
  'declared-shape': { severity: 'warning', doc: 'the declared shape of a value is not the one that its node gives it' },
  domain: { severity: 'error', doc: 'a domain is used but not imported, or nothing is imported' },
  'duplicate-definition': {
    severity: 'error',
    doc: 'one name is defined twice in a graph, or by it and by a node inside it',
  },
  'duplicate-function': { severity: 'error', doc: 'two functions have the same domain, name and overload' },
  'duplicate-initializer': { severity: 'error', doc: 'two initializers of a graph have the same name' },
  'empty-name': { severity: 'error', doc: 'a name is empty that must not be' },
  'ir-version': { severity: 'error', doc: 'the IR version is absent, unknown, or too low for what the model has' },
  import: {
    severity: 'warning',
    doc: 'a domain that onnxruntime supplies is used but not imported, or one is imported as two versions',
  },
  more: { severity: 'error', doc: 'more problems than are listed' },
  order: { severity: 'warning', doc: 'a node stands before one that it depends on' },
  recursion: { severity: 'error', doc: 'a function calls itself, directly or through others' },
  scope: { severity: 'error', doc: 'a graph uses a value of another graph that is not around it' },
  shadowing: {
    severity: 'warning',
    doc: 'a graph has a name that a graph around it has: runtimes do not agree on which value is meant',
  },
  type: { severity: 'error', doc: 'types or shapes do not go together' },
  'undefined-input': { severity: 'error', doc: 'a node reads a name that nothing defines' },
  'undefined-output': { severity: 'error', doc: 'a graph lists an output that nothing defines' },
} as const satisfies Record<string, { readonly severity: Severity; readonly doc: string }>;

/** Whether onnxruntime refuses what has the problem, or takes it. */
export type Severity = 'error' | 'warning';
/** What kind of violation a problem is. */
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * One violation. The message is printable; `node` and `value` are names as the file has them (a node without one is
 * told by what it makes).
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly message: string;
  readonly node?: string | undefined;
  readonly value?: string | undefined;
}

/** Gathers problems: as many errors as the limit, and as many warnings; the others are only counted. */
export class ProblemList {
  readonly #found: Problem[] = [];
  readonly #count: Record<Severity, number> = { error: 0, warning: 0 };

  constructor(readonly limit: number) {}

  add(
    code: ProblemCode,
    message: string,
    at: { readonly node?: Node | undefined; readonly value?: { readonly name: string } | undefined } = {},
  ): void {
    const { severity } = PROBLEMS[code];
    this.#count[severity] += 1;
    if (this.#count[severity] > this.limit) return;
    const node = at.node && (at.node.name || nodeLabel(at.node));
    this.#found.push({ code, severity, message, node, value: at.value?.name });
  }

  get errors(): number {
    return this.#count.error;
  }

  /** Errors first; "and N more" ends a list that was cut. */
  all(): readonly Problem[] {
    return (['error', 'warning'] as const).flatMap((severity) => {
      const own = this.#found.filter((p) => p.severity === severity);
      const more = this.#count[severity] - own.length;
      return more > 0 ? [...own, { code: 'more' as const, severity, message: `and ${more} more` }] : own;
    });
  }
}
