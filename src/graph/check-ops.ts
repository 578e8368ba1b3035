import { nearest, printable } from '../base/text.js';
import type { Attr } from './attr.js';
import { attrText } from './attr.js';
import type { Functions } from './functions.js';
import { FunctionDef, type Graph, type Model, type Node, type Value } from './ir.js';
import type { AnyOpDef, AttrSpec } from './op-def.js';
import type { OpRegistry } from './op-registry.js';
import { nodeLabel } from './order.js';
import type { ProblemList } from './problems.js';
import { signatureOf } from './signature.js';

/** Domains that onnxruntime (1.30, tried one by one) takes as imported whether or not a model says so. */
const SUPPLIED: ReadonlySet<string> = new Set([
  'ai.onnx.ml',
  'ai.onnx.preview',
  'ai.onnx.preview.training',
  'ai.onnx.training',
  'com.microsoft',
  'com.microsoft.experimental',
  'com.microsoft.nchwc',
  'com.ms.internal.nhwc',
  'org.pytorch.aten',
]);

/**
 * Whether domains are imported, and inputs, outputs and attributes fit the functions of the model and the declared
 * operators.
 */
export function checkOperators(
  graphs: readonly Graph[],
  functions: Functions,
  registry: OpRegistry | undefined,
  problems: ProblemList,
): void {
  const unimported = new Map<Model | FunctionDef, Map<string, { readonly node: Node; count: number }>>();
  for (const graph of graphs) {
    const { root } = graph;
    for (const node of graph.nodes()) {
      if (root.opset(node.domain) === undefined) countUnimported(node, root, unimported);
      checkReferences(node, root, problems);
      const called = functions.called(node);
      if (called) {
        checkCall(node, called, problems);
        continue;
      }
      const op = registry?.declared(node);
      if (op) checkApplication(node, op, problems);
    }
  }
  for (const [root, domains] of unimported)
    for (const [domain, { node, count }] of domains) {
      const where = root instanceof FunctionDef ? `function ${printable(root.name ?? '')}` : 'the model';
      const users = count > 1 ? `${nodeLabel(node)} and ${count - 1} more need` : `${nodeLabel(node)} needs`;
      const name = domain === '' ? 'ai.onnx' : printable(domain);
      problems.add(SUPPLIED.has(domain) ? 'import' : 'domain', `${where} does not import ${name}, which ${users}`, {
        node,
      });
    }
}

function countUnimported(
  node: Node,
  root: Model | FunctionDef,
  unimported: Map<Model | FunctionDef, Map<string, { readonly node: Node; count: number }>>,
): void {
  const domains = unimported.get(root) ?? new Map<string, { readonly node: Node; count: number }>();
  unimported.set(root, domains);
  const entry = domains.get(node.domain) ?? { node, count: 0 };
  entry.count += 1;
  domains.set(node.domain, entry);
}

/** `ref` attributes stand for those of the function around. */
function checkReferences(node: Node, root: Model | FunctionDef, problems: ProblemList): void {
  for (const attr of node.attrs.values()) {
    if (attr.kind !== 'ref') continue;
    const known =
      root instanceof FunctionDef &&
      (root.attributes.includes(attr.ref) || root.attributeDefaults.some((a) => a.name === attr.ref));
    if (!known)
      problems.add(
        'attribute',
        `${nodeLabel(node)}: ${printable(attr.name)} refers to ${printable(attr.ref)}, an attribute that no function around it has`,
        { node },
      );
  }
}

function checkCall(node: Node, f: FunctionDef, problems: ProblemList): void {
  const name = `function ${printable(f.name ?? '')}`;
  countFits(node, 'inputs', node.inputs, 0, f.body.inputs.length, name, problems);
  countFits(node, 'outputs', node.outputs, 0, f.body.outputs.length, name, problems);
  for (const attribute of f.attributes)
    if (!node.attrs.has(attribute))
      problems.add('attribute', `${nodeLabel(node)}: ${name} asks for an attribute ${printable(attribute)}`, { node });
}

function checkApplication(node: Node, op: AnyOpDef, problems: ProblemList): void {
  slotsFit(node, 'inputs', op, problems);
  slotsFit(node, 'outputs', op, problems);
  const add = (message: string): void => problems.add('attribute', `${nodeLabel(node)}: ${message}`, { node });
  for (const attr of node.attrs.values()) {
    const name = printable(attr.name);
    const spec: AttrSpec<unknown> | undefined = Object.hasOwn(op.attrs, attr.name) ? op.attrs[attr.name] : undefined;
    if (!spec) {
      const [close] = nearest(attr.name, Object.keys(op.attrs), 1);
      add(`${op.name} of opset ${node.opset} has no attribute ${name}${close ? `; ${close} is near` : ''}`);
    } else if (attr.kind !== 'ref') {
      const why = misfit(attr, spec) ?? misplaced(node, spec);
      if (why) add(`${name} of ${op.name} ${why}`);
    }
  }
  for (const [name, spec] of Object.entries<AttrSpec<unknown>>(op.attrs))
    if (spec.required && !node.attrs.has(name)) add(`${op.name} needs an attribute ${name} (${spec.kind})`);
}

/** Why a version of a signature does not have an attribute that others have. */
function misplaced(node: Node, { since, until }: AttrSpec<unknown>): string | undefined {
  const opset = node.opset ?? 0;
  if (since !== undefined && opset < since) return `came with opset ${since}; the model imports ${opset}`;
  return until !== undefined && opset >= until ? `went with opset ${until}; the model imports ${opset}` : undefined;
}

function misfit(attr: Attr, spec: AttrSpec<unknown>): string | undefined {
  if (attr.kind !== spec.kind) return `is ${attr.kind}; ${spec.kind} was expected`;
  if (!spec.choices || attr.kind !== 'string' || spec.choices.includes(attrText(attr.value))) return undefined;
  return `is ${printable(attrText(attr.value))}; one of ${spec.choices.join(', ')} was expected`;
}

function slotsFit(node: Node, what: 'inputs' | 'outputs', op: AnyOpDef, problems: ProblemList): void {
  const given = node[what];
  const { names, optional, variadic } = signatureOf(op)[what];
  const most = variadic ? Number.POSITIVE_INFINITY : names.length;
  if (!countFits(node, what, given, optional.lastIndexOf(false) + 1, most, op.name, problems)) return;
  for (const [i, name] of names.entries())
    if (given[i] === undefined && !optional[i])
      problems.add(
        'arity',
        `${nodeLabel(node)}: ${op.name} needs its ${what.slice(0, -1)} ${name}, which is left out`,
        {
          node,
        },
      );
  const gap = what === 'inputs' && variadic ? given.indexOf(undefined, names.length - 1) : -1;
  if (gap >= 0)
    problems.add('arity', `${nodeLabel(node)}: input ${gap} is left out of the list that ${op.name} takes`, { node });
}

function countFits(
  node: Node,
  what: 'inputs' | 'outputs',
  given: readonly (Value | undefined)[],
  least: number,
  most: number,
  name: string,
  problems: ProblemList,
): boolean {
  const count = given.findLastIndex((v) => v !== undefined) + 1;
  if (count >= least && count <= most) return true;
  const range =
    most === Number.POSITIVE_INFINITY ? `at least ${least}` : least === most ? `${least}` : `${least} to ${most}`;
  problems.add('arity', `${nodeLabel(node)} has ${count} ${what}; ${name} takes ${range}`, { node });
  return false;
}
