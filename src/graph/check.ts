import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import { checkGraphs } from './check-graph.js';
import { checkOperators } from './check-ops.js';
import { everyGraph, graphsWithin } from './edit.js';
import { Functions } from './functions.js';
import { inferShapes, withTypesKept } from './infer.js';
import { canonicalDomain, type FunctionDef, type Model, type OpsetImport } from './ir.js';
import type { OpRegistry } from './op-registry.js';
import { nodeLabel } from './order.js';
import { type Problem, ProblemList } from './problems.js';

/** How much `checkModel` looks at. */
export interface CheckOptions {
  /** Problems listed; the others are counted in a last entry. */
  readonly limit?: number;
}

/** IR versions of published ONNX releases that the reader knows. */
const IR_VERSIONS = { first: 3n, last: 14n } as const;
/** From these IR versions on a model may have them. */
const FUNCTIONS_SINCE = 8n;
const OVERLOADS_SINCE = 10n;

/**
 * Everything that is wrong with a model, at once: see `PROBLEMS`. With a registry also what the declared operators say
 * of arity, attributes, types and shapes; operators without a declaration are not judged, and types only where the rest
 * has no errors. Changes nothing. Linear time, no recursion.
 */
export function checkModel(model: Model, registry?: OpRegistry, options: CheckOptions = {}): readonly Problem[] {
  const problems = new ProblemList(options.limit ?? LIMITS.problems);
  const graphs = everyGraph(model);
  const functions = new Functions(model);
  checkVersions(model, problems);
  checkFunctions(model, functions, problems);
  checkGraphs(graphs, problems);
  checkOperators(graphs, functions, registry, problems);
  if (registry && problems.errors === 0)
    for (const { node, value, message, code } of withTypesKept(model, () => inferShapes(model, registry))) {
      const at = { node, value: value === undefined ? undefined : { name: value } };
      problems.add(code === 'graph/declared' ? 'declared-shape' : 'type', `${nodeLabel(node)}: ${message}`, at);
    }
  return problems.all();
}

/** Throws `graph/invalid`, with all of them, when the checker finds errors. Gives the warnings. */
export function ensureValid(model: Model, registry?: OpRegistry, options: CheckOptions = {}): readonly Problem[] {
  const all = checkModel(model, registry, options);
  const problems = all.filter((p) => p.severity === 'error');
  const [first] = problems;
  if (!first) return all;
  const lines = problems.map((p) => (p.code === 'more' ? p.message : `${p.code}: ${p.message}`));
  const message = lines.length === 1 ? (lines[0] ?? '') : `${lines.length} problems\n  ${lines.join('\n  ')}`;
  throw new CnnxError('graph/invalid', message, { at: { node: first.node, value: first.value } });
}

function checkVersions(model: Model, problems: ProblemList): void {
  const { irVersion } = model;
  const { first, last } = IR_VERSIONS;
  if (irVersion === undefined) problems.add('ir-version', 'the model does not say its IR version');
  else if (irVersion < first || irVersion > last)
    problems.add('ir-version', `IR version ${irVersion} is unknown; known are ${first} to ${last}`);
  checkImports(model.opsetImports, 'the model', problems);
  if (model.opsetImports.length === 0) problems.add('domain', 'the model imports no operator set');
  if (irVersion === undefined) return;
  if (model.functions.length > 0 && irVersion < FUNCTIONS_SINCE)
    problems.add('ir-version', `functions need IR version ${FUNCTIONS_SINCE}; the model has ${irVersion}`);
  if (model.functions.some((f) => f.overload) && irVersion < OVERLOADS_SINCE)
    problems.add('ir-version', `overloads of functions need IR version ${OVERLOADS_SINCE}; the model has ${irVersion}`);
}

function checkImports(imports: readonly OpsetImport[], where: string, problems: ProblemList): void {
  const versions = new Map<string, Set<bigint>>();
  for (const { domain, version = 0n } of imports) {
    const name = canonicalDomain(domain);
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  for (const [name, own] of versions)
    if (own.size > 1)
      problems.add(
        'import',
        `${where} imports ${printable(name || 'ai.onnx')} as versions ${[...own].join(' and ')}; the last import counts`,
      );
}

function checkFunctions(model: Model, functions: Functions, problems: ProblemList): void {
  const calls = new Map<FunctionDef, FunctionDef[]>();
  for (const f of model.functions) {
    const name = printable(f.name ?? '');
    if (!f.name) problems.add('empty-name', 'a function has no name');
    if (functions.definition(f) !== f) problems.add('duplicate-function', `function ${name} is defined twice`);
    checkImports(f.opsetImports, `function ${name}`, problems);
    const called = new Set<FunctionDef>();
    for (const graph of graphsWithin([f.body]))
      for (const node of graph.nodes()) {
        const callee = functions.called(node);
        if (callee) called.add(callee);
      }
    calls.set(f, [...called]);
  }
  for (const f of recursive(calls))
    problems.add('recursion', `function ${printable(f.name ?? '')} calls itself, directly or through others`);
}

/** The functions on a circle of calls, or on a way from one circle to another. */
function recursive(calls: Calls): Iterable<FunctionDef> {
  return peel(reversed(peel(calls))).keys();
}

type Calls = ReadonlyMap<FunctionDef, readonly FunctionDef[]>;

function reversed(calls: Calls): Calls {
  const callers = new Map<FunctionDef, FunctionDef[]>(Array.from(calls.keys(), (f) => [f, []]));
  for (const [f, callees] of calls) for (const callee of callees) callers.get(callee)?.push(f);
  return callers;
}

/** Takes away what calls nothing, again and again. */
function peel(calls: Calls): Calls {
  const callers = reversed(calls);
  const open = new Map(Array.from(calls, ([f, callees]) => [f, callees.length]));
  const ready = [...calls.keys()].filter((f) => open.get(f) === 0);
  const rest = new Map(calls);
  for (let f = ready.pop(); f; f = ready.pop()) {
    rest.delete(f);
    for (const caller of callers.get(f) ?? []) {
      const left = (open.get(caller) ?? 0) - 1;
      open.set(caller, left);
      if (left === 0) ready.push(caller);
    }
  }
  return rest;
}
