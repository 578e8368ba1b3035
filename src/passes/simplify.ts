import { CnnxError } from '../base/errors.js';
import { didYouMean, printable } from '../base/text.js';
import { Editor } from '../graph/edit.js';
import type { KnownInts } from '../graph/infer-node.js';
import type { Model } from '../graph/ir.js';
import { takeKnownBranches } from './branches.js';
import type { Prefer } from './affine/cost.js';
import { mergeCommonSubexpressions } from './common-subexpressions.js';
import { foldConstantRegions, RegionMemory } from './constant-regions.js';
import { removeDeadCode } from './dead-code.js';
import { mergeDuplicateInitializers } from './duplicate-initializers.js';
import type { Evaluate } from './evaluate.js';
import { foldShapeArithmetic } from './fold-shapes.js';
import { GrownConstants } from './grown-constants.js';
import { inlineFunctions } from './inline-functions.js';
import { markOverwritten } from './overwritten.js';
import type { Rule } from './rule.js';
import { fixReshapeSizes } from './reshape-sizes.js';
import { RULES } from './rules/index.js';
import type { Reason } from './reasons.js';
import { type RunReport, runRules } from './runner.js';
import { moveShapeQueries } from './shape-queries.js';
import { staleDeclarations } from './stale.js';
import { moveTransposes } from './transposes/index.js';
import { findTypes } from './types.js';

/** Each round opens ways for the next; models settle in two or three. */
const MAX_ROUNDS = 20;

/** What `simplify` may use. */
export interface SimplifyOptions {
  /** Computes constant regions. Without it only what needs no arithmetic is folded. */
  readonly evaluate?: Evaluate | undefined;
  /** Names of the only rules to apply; all if absent. */
  readonly only?: readonly string[] | undefined;
  /** Names of rules not to apply. */
  readonly skip?: readonly string[] | undefined;
  /** Rules of your own, applied beside those of cnnx. `skip` and `only` know their names. */
  readonly rules?: readonly Rule[] | undefined;
  /** What counts most; size and multiply-accumulates if absent. With speed, constants are computed even if they make the model larger. */
  readonly prefer?: Prefer | undefined;
  /** What earlier calls on the same model found out; fresh if absent. */
  readonly memory?: RegionMemory | undefined;
}

/** What `simplify` did, and what it left alone and why. */
export interface SimplifyReport extends RunReport {
  readonly rounds: number;
  /** Declarations of the file that contradict what is computed, as it was before anything changed: see `staleDeclarations`. */
  readonly stale: readonly string[];
  /** Why constant regions could not be evaluated. */
  readonly failures: readonly string[];
}

interface Step {
  readonly name: string;
  readonly doc: string;
  readonly run: (model: Model, edit: Editor, known: KnownInts) => number;
}

/** What is done to whole models, beside the rules, in this order. */
const STEPS: readonly Step[] = [
  {
    name: 'move-transposes',
    doc: 'f(Transpose(x), ...) -> Transpose(g(x, ...)) for operators with free axes, where Transposes meet and fewer are left',
    run: moveTransposes,
  },
  {
    name: 'reshape-sizes',
    doc: 'Reshape(x, s) with computed s -> Reshape(x, c), c a constant with 0 for sizes of x and one -1 at most',
    run: fixReshapeSizes,
  },
  {
    name: 'shape-queries',
    doc: 'Gather(Shape(v), i) -> Gather(Shape(x), j) where an input x has that size; Shape(v) -> Shape(f(v)) where f keeps the shape and is all else that needs v',
    run: moveShapeQueries,
  },
  {
    name: 'known-branches',
    doc: 'If(c) with a known c -> one branch; Loop that makes one round -> its body; Loop that makes none -> its inputs',
    run: takeKnownBranches,
  },
  {
    name: 'common-subexpressions',
    doc: 'two nodes that compute the same from the same inputs -> the first of them',
    run: mergeCommonSubexpressions,
  },
  { name: 'dead-code', doc: 'nodes and initializers that no output depends on go', run: removeDeadCode },
  {
    name: 'duplicate-initializers',
    doc: 'initializers with equal type, shape and bytes -> the first of them',
    run: mergeDuplicateInitializers,
  },
  {
    name: 'fold-shapes',
    doc: 'sizes of known dimensions, and what is computed from them -> constants',
    run: foldShapeArithmetic,
  },
];

const INLINE_FUNCTIONS = { name: 'inline-functions', doc: 'f(x), f a function of the model -> the body of f' };

const FOLD_CONSTANTS = 'fold-constants';

/** Everything that `simplify` can do, by the names that `only` and `skip` take; sorted. */
export const SIMPLIFICATIONS: readonly { readonly name: string; readonly doc: string }[] = [
  ...RULES,
  ...STEPS,
  INLINE_FUNCTIONS,
  { name: FOLD_CONSTANTS, doc: 'what depends on constants alone -> constants, computed by onnxruntime' },
]
  .map(({ name, doc }) => ({ name, doc }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Applies every exact simplification to a model, in place, until none applies: outputs keep their names, types and values. The types of all values
 * are found on the way, and known afterwards. Throws
 * `passes/unknown-rule` for names in `only` or `skip` that there are not.
 */
export async function simplify(model: Model, options: SimplifyOptions = {}): Promise<SimplifyReport> {
  const wanted = selection(options);
  const rules = [...RULES, ...(options.rules ?? [])].filter((r) => wanted(r.name));
  const steps = STEPS.filter((s) => wanted(s.name));
  const applied = new Map<string, number>();
  const skipped = new Map<string, Map<Reason, number>>();
  const failures: string[] = [];
  const memory = options.memory ?? regionMemory(model, options.prefer);
  let left: RunReport['left'] = [];
  let rounds = 0;
  let stale: readonly string[] = [];
  if (wanted(INLINE_FUNCTIONS.name)) add(applied, INLINE_FUNCTIONS.name, inlineFunctions(model, new Editor(model)));
  for (let before = -1, done = 0; done !== before && rounds < MAX_ROUNDS; rounds++) {
    before = done;
    const known = findTypes(model);
    const edit = new Editor(model);
    if (rounds === 0) stale = staleDeclarations(model);
    markOverwritten(model, edit);
    for (const step of steps) add(applied, step.name, step.run(model, edit, known));
    const run = runRules(model, rules);
    for (const [name, count] of run.applied) add(applied, name, count);
    for (const [name, reasons] of run.skipped) skipped.set(name, reasons);
    left = run.left;
    if (options.evaluate && wanted(FOLD_CONSTANTS)) {
      const regions = await foldConstantRegions(model, new Editor(model), options.evaluate, memory);
      add(applied, FOLD_CONSTANTS, regions.folded);
      failures.push(...regions.failures);
    }
    done = [...applied.values()].reduce((a, b) => a + b, 0);
  }
  if (!options.memory) restoreGrown(model, memory, applied);
  return { applied, skipped, left, rounds, stale, failures };
}

/** What a run of `fuse` or `simplify` remembers of constants. */
export const regionMemory = (model: Model, prefer: Prefer | undefined): RegionMemory =>
  new RegionMemory(prefer === 'speed' ? undefined : new GrownConstants(model));

/** At the end of a run: constants that make the model larger become nodes again. */
export function restoreGrown(model: Model, { grown }: RegionMemory, applied: Map<string, number>): void {
  const restored = grown?.restore(model) ?? 0;
  if (restored === 0) return;
  findTypes(model);
  const edit = new Editor(model);
  mergeCommonSubexpressions(model, edit);
  mergeDuplicateInitializers(model, edit);
  const left = (applied.get(FOLD_CONSTANTS) ?? 0) - restored;
  if (left > 0) applied.set(FOLD_CONSTANTS, left);
  else applied.delete(FOLD_CONSTANTS);
}

function add(counts: Map<string, number>, name: string, count: number): void {
  if (count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
}

function selection({ only, skip, rules = [] }: SimplifyOptions): (name: string) => boolean {
  const known = [...SIMPLIFICATIONS, ...rules].map((s) => s.name);
  for (const name of [...(only ?? []), ...(skip ?? [])]) {
    if (known.includes(name)) continue;
    throw new CnnxError('passes/unknown-rule', `there is no rule named ${printable(name)}`, {
      hint: didYouMean(name, known) ?? 'cnnx fuse --list names them all',
    });
  }
  return (name) => (only === undefined || only.includes(name)) && !(skip?.includes(name) ?? false);
}
