import type { Node, Value } from '../../graph/ir.js';
import { isSkip, notApplicable, type Skip, skip } from '../rule.js';
import { bordersOf, type Legal, tightened, withoutCrops } from './axis.js';
import { costs, type Prefer } from './cost.js';
import { type Form, nodesOf, tapsOf, type Term } from './form.js';
import { embed, product, regroup } from './kernel.js';
import { lengthsOf } from './sum.js';

/** A form that is worth writing out: what it costs is known, its windows have pads that ONNX allows. */
export interface Plan {
  readonly form: Form;
  /** The terms that need a convolution; the others are their source itself. */
  readonly windows: readonly Term[];
  readonly sources: readonly Term[];
  readonly removed: ReadonlySet<Node>;
  /** How many nodes it is written in. */
  readonly written: number;
}

/** Whether writing a form out is a gain: fewer nodes at no more cost. `root` makes the value that the form is of. */
export function planOf(form: Form, root: Node, prefer?: Prefer): Plan | Skip {
  const plan = outlineOf(form, root);
  if (isSkip(plan)) return plan;
  const { removed, written, windows } = plan;
  if (removed.size <= 1) return notApplicable('nothing-to-merge');
  if (written < removed.size) return costs(plan, prefer) ?? plan;
  return isWritten(removed, windows.length) ? notApplicable('nothing-to-merge') : skip('as-many-nodes');
}

/** What a form is written out as, whatever that costs. */
export function outlineOf(form: Form, root: Node): Plan | Skip {
  const terms = form.terms.map(legal);
  const windows = terms.filter((t) => !t.identity);
  const sources = terms.filter((t) => t.identity);
  if (terms.some((t) => t.from !== 0 || t.inputs !== t.of)) return skip('needs-part');
  if (windows.some((t) => !t.convolution)) return notApplicable('no-absorber');
  if (windows.length === 0) return notApplicable('nothing-to-merge');
  if (!form.type) return notApplicable('no-weights');
  const removed = removable(nodesOf(form.path), root);
  const bias = form.bias ? 1 : 0;
  const pads = windows.reduce((n, t) => n + bordersOf(t.axes).length, 0);
  const written = windows.length + pads + terms.length - 1 + (form.layout === 'last' ? bias : 0);
  return { form, windows, sources, removed, written };
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
  const lengths = lengthsOf(term.source);
  const axes: Legal[] = term.axes.map((a, i) => withoutCrops(tightened(a, lengths[i])));
  const taps = axes.map((a) => a.axis.taps);
  if (product(taps) === product(tapsOf(term))) return { ...term, axes: axes.map((a) => a.axis) };
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
