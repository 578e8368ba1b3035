import { CnnxError } from '../base/errors.js';
import { didYouMean, printable } from '../base/text.js';
import { Editor, everyGraph } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { cycleMessage, findCycle, nodeLabel } from '../graph/order.js';
import { algebra } from './affine/algebra.js';
import type { Prefer } from './affine/cost.js';
import type { Lift } from './affine/lift.js';
import { LIFTS } from './affine/lifts/index.js';
import type { Merged } from './affine/merge.js';
import type { Evaluate } from './evaluate.js';
import type { Reason } from './reasons.js';
import type { Rule } from './rule.js';
import { type RunReport, runRules } from './runner.js';
import { regionMemory, restoreGrown, SIMPLIFICATIONS, simplify } from './simplify.js';
import { forgetOpenSizes } from './types.js';

/** What `fuse` may use. */
export interface FuseOptions {
  /** Computes constant regions; without it, what takes arithmetic to fold stays. */
  readonly evaluate?: Evaluate | undefined;
  /** Names of lifts (operators) and rules to leave out. */
  readonly skip?: readonly string[] | undefined;
  /** The only lifts and rules to use; a lift still looks through the convolutions and products below it. */
  readonly only?: readonly string[] | undefined;
  /** Rules of your own, applied beside those of cnnx. `skip` and `only` know their names. */
  readonly rules?: readonly Rule[] | undefined;
  /** What counts most; size and multiply-accumulates if absent. */
  readonly prefer?: Prefer | undefined;
}

/** What `fuse` did, and what it left alone and why. */
export interface FuseReport {
  /** Operators that the algebra took away, by name; those it put in their place are in `after`. */
  readonly merged: ReadonlyMap<string, number>;
  /** Edits by rule. */
  readonly applied: ReadonlyMap<string, number>;
  /** How often each rule gave each reason. */
  readonly skipped: RunReport['skipped'];
  /** The places that looked as if they could be merged, and why they were not. */
  readonly left: RunReport['left'];
  /** Nodes by operator. */
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
  /** Why constant regions could not be computed. */
  readonly failures: readonly string[];
  /** Declarations of the file that contradict what is computed. They were not believed, and are left as they are. */
  readonly stale: readonly string[];
}

/** What carries a kernel: looked through whatever `only` says, since every merge ends in one. */
const CARRIERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Simplifying opens ways for merging and merging for simplifying; models settle in two rounds. */
const MAX_ROUNDS = 8;

/** Everything `fuse` can do, by the names that `only` and `skip` take: the lifts of the algebra by operator, then the rules. */
export function listPasses(): readonly { readonly name: string; readonly doc: string }[] {
  const [, ...moves] = algebra([]);
  return [...LIFTS, ...moves].map(({ name, doc }) => ({ name, doc })).concat(SIMPLIFICATIONS);
}

/**
 * Rewrites a model in place into a smaller one with the same outputs, up to the rounding of its element types: every exact merge of linear operators, and the
 * exact simplifications around them. Throws `graph/invalid` for nodes in a circle, before anything is changed, and `passes/unknown-rule`
 * for a name that `listPasses` does not have.
 */
export async function fuse(model: Model, options: FuseOptions = {}): Promise<FuseReport> {
  const own = options.rules ?? [];
  checkNames([...(options.only ?? []), ...(options.skip ?? [])], own);
  refuseCircles(model);
  const before = operatorCounts(model);
  const merged: Merged = new Map();
  const linear = algebraFor(options, merged);
  const applied = new Map<string, number>();
  const skipped = new Map<string, Map<Reason, number>>();
  const failures: string[] = [];
  const memory = regionMemory(model, options.prefer);
  let stale: readonly string[] = [];
  let left: RunReport['left'] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const simple = await simplify(model, { evaluate: options.evaluate, memory, rules: own, ...rulesFor(options) });
    const algebra = runRules(model, linear, { order: 'backward' });
    for (const report of [simple, algebra]) {
      for (const [name, count] of report.applied) applied.set(name, (applied.get(name) ?? 0) + count);
      for (const [name, reasons] of report.skipped) skipped.set(name, reasons);
    }
    failures.push(...simple.failures);
    if (round === 0) stale = simple.stale;
    left = [...simple.left, ...algebra.left];
    if (algebra.applied.size === 0) break;
  }
  restoreGrown(model, memory, applied);
  forgetOpenSizes(model, new Editor(model));
  return { merged, applied, skipped, left, failures, stale, before, after: operatorCounts(model) };
}

/** Rules follow producers, which in a circle has no end. */
function refuseCircles(model: Model): void {
  for (const graph of everyGraph(model)) {
    const cycle = findCycle(graph);
    if (cycle) throw new CnnxError('graph/invalid', cycleMessage(cycle), { at: { node: cycle.map(nodeLabel)[0] } });
  }
}

/** Nodes by operator, in every graph of a model; the most frequent first. */
export function operatorCounts(model: Model): Map<string, number> {
  const counts = new Map<string, number>();
  for (const graph of everyGraph(model))
    for (const node of graph.nodes()) counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1);
  return new Map([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function liftsFor({ only, skip }: FuseOptions): readonly Lift[] {
  return LIFTS.filter(
    ({ name }) => (only === undefined || only.includes(name) || CARRIERS.has(name)) && !skip?.includes(name),
  );
}

/** The rules of the algebra that are asked for; the merge always is, with the lifts that are. */
function algebraFor({ only, skip, prefer }: FuseOptions, merged: Merged): readonly Rule[] {
  const [merge, ...rest] = algebra(liftsFor({ only, skip }), merged, prefer);
  const wanted = ({ name }: Rule): boolean => (only === undefined || only.includes(name)) && !skip?.includes(name);
  return [...(merge ? [merge] : []), ...rest.filter(wanted)];
}

/** The names that are rules, for `simplify`. */
function rulesFor({ only, skip, rules = [] }: FuseOptions): { only?: string[]; skip?: string[] } {
  const isRule = (name: string): boolean => [...SIMPLIFICATIONS, ...rules].some((s) => s.name === name);
  return { ...(only && { only: only.filter(isRule) }), ...(skip && { skip: skip.filter(isRule) }) };
}

function checkNames(names: readonly string[], own: readonly Rule[]): void {
  const known = [...listPasses(), ...own].map((p) => p.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new CnnxError('passes/unknown-rule', `there is no lift or rule named ${printable(name)}`, {
      hint: didYouMean(name, known) ?? 'cnnx fuse --list names them all',
    });
  }
}
