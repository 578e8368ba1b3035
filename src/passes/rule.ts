import type { Editor } from '../graph/edit.js';
import type { Node } from '../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../graph/op-def.js';
import { isOwn, type Reason, REASONS } from './reasons.js';

/** Why a rule or a lift left a place alone. */
export interface Skip {
  readonly skip: Reason;
  /** The place is not one that the rule is about, so `--explain` does not mention it. */
  readonly quiet: boolean;
}

/** The place looked right, and this is why it is left alone. */
export const skip = (reason: Reason): Skip => ({ skip: reason, quiet: false });

/** The place is not one that the rule is about. */
export const notApplicable = (reason: Reason): Skip => ({ skip: reason, quiet: true });

export const isSkip = (x: object | undefined): x is Skip => x !== undefined && 'skip' in x;

/** A reason as a sentence for people. */
export const sentenceOf = (reason: Reason): string => (isOwn(reason) ? reason.slice('own: '.length) : REASONS[reason]);

/** One rewrite. Holds no state but what it may forget. Asks first and edits last: below the first edit there is no `skip`. */
export interface Rule {
  readonly name: string;
  readonly doc: string;
  readonly roots: readonly AnyOpDef[];
  apply(node: Node, edit: Editor): Skip | undefined;
  /** Hears of every edit, whichever rule made it. */
  readonly touched?: ((node: Node) => void) | undefined;
}

/** A rule about nodes of `root`, which `apply` sees through that declaration; for several signatures give a list, and read them with the accessors of `ops`. */
export function rule<D extends AnyOpDef>(spec: {
  readonly name: string;
  readonly doc: string;
  readonly root: D | readonly D[];
  readonly apply: (node: NodeOf<D>, edit: Editor) => Skip | void;
}): Rule {
  const roots: readonly D[] = Array.isArray(spec.root) ? spec.root : [spec.root as D];
  return {
    name: spec.name,
    doc: spec.doc,
    roots,
    apply: (node, edit) => {
      for (const root of roots) if (node.is(root)) return spec.apply(node, edit) ?? undefined;
      return notApplicable('other-operator');
    },
  };
}
