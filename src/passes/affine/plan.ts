import type { Node, Value } from '../../graph/ir.js';
import { notApplicable, type Skip, skip } from '../rule.js';
import { type Legal, withoutCrops } from './axis.js';
import { type Form, nodesOf, tapsOf, type Term, weightCount } from './form.js';
import { embed, product, regroup } from './kernel.js';

/** A form that is worth writing out: what it costs is known, its windows have pads that ONNX allows. */
export interface Plan {
  readonly form: Form;
  /** The terms that need a convolution; the others are their source itself. */
  readonly windows: readonly Term[];
  readonly sources: readonly Term[];
  readonly removed: ReadonlySet<Node>;
}

/** Slack for the division that a selection of channels puts into a count of multiply-accumulates. */
const ROUNDING = 1e-9;

/**
 * Whether writing a form out is a gain: fewer nodes, no more multiply-accumulates, no more weights (a bias may be new). `root` makes the value that
 * the form is of.
 */
export function planOf(form: Form, root: Node): Plan | Skip {
  const terms = form.terms.map(legal);
  const windows = terms.filter((t) => !t.identity);
  const sources = terms.filter((t) => t.identity);
  if (terms.some((t) => t.from !== 0 || t.inputs !== t.of)) return skip('needs-part');
  if (windows.some((t) => !t.convolution)) return notApplicable('no-absorber');
  if (windows.length === 0) return notApplicable('nothing-to-merge');
  if (!form.type) return notApplicable('no-weights');
  const removed = removable(nodesOf(form.path), root);
  const bias = form.bias ? 1 : 0;
  const nodes = windows.length + terms.length - 1 + (form.layout === 'last' ? bias : 0);
  if (removed.size <= 1) return notApplicable('nothing-to-merge');
  if (nodes >= removed.size) {
    return isWritten(removed, windows.length) ? notApplicable('nothing-to-merge') : skip('as-many-nodes');
  }
  const weights = windows.reduce((n, t) => n + weightCount(t), 0);
  if (weights > form.macs * (1 + ROUNDING)) return skip('more-macs');
  if (weights > form.params) return skip('more-weights');
  return { form, windows, sources, removed };
}

/** Whether the nodes are what writing the form out would give: windows, and the sums of them. */
const isWritten = (removed: ReadonlySet<Node>, windows: number): boolean =>
  [...removed].filter((n) => n.opType !== 'Add').length === windows;

/** A term whose crops are zero taps, and whose groups a matrix product can have. */
function legal(term: Term): Term {
  if (term.transposed || term.identity) return term;
  if (term.axes.length === 0) {
    return term.groups === 1
      ? term
      : { ...term, groups: 1, kernel: () => regroup(term.kernel(), term.outputs, term.inputs, 1, term.groups, 1) };
  }
  const axes: Legal[] = term.axes.map(withoutCrops);
  const taps = axes.map((a) => a.axis.taps);
  if (product(taps) === product(tapsOf(term))) return term;
  return {
    ...term,
    axes: axes.map((a) => a.axis),
    kernel: () =>
      embed(
        term.kernel(),
        tapsOf(term),
        taps,
        axes.map((a) => a.before),
      ),
  };
}

/** Of the crossed nodes, those that nothing outside needs: the root, and all whose every use is by one that goes. */
function removable(nodes: ReadonlySet<Node>, root: Node): Set<Node> {
  const gone = new Set<Node>([root]);
  for (const node of nodes) {
    if (node.outputs.every((v) => !v || (v.outputCount === 0 && usedOnlyBy(v, gone)))) gone.add(node);
  }
  return gone;
}

function usedOnlyBy(value: Value, nodes: ReadonlySet<Node>): boolean {
  for (const user of value.uses.keys()) if (!nodes.has(user)) return false;
  return true;
}
