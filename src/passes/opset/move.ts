import { attrText, floatOfBits } from '../../graph/attr.js';
import type { Attr, Node } from '../../graph/ir.js';
import type { AnyOpDef, AttrSpec } from '../../graph/op-def.js';
import { registry } from '../../ops/index.js';
import { OPSET_CHANGES } from './index.js';
import { type Change, isRefusal, type OpsetChange, type Refusal, refuse, type Step } from './step.js';
import { UNDECLARED } from './undeclared.js';

interface Move {
  readonly change: Change;
  /** `operator version: what changed`. */
  readonly what: string;
}

const table = new Map<string, OpsetChange>(OPSET_CHANGES.map((c) => [`${c.op} ${c.version}`, c]));

/** What a node needs between the version that its graph imports and the next. Undefined: nothing. */
export function moveOf(node: Node, from: number, step: Step): Move | Refusal | undefined {
  const up = step.to > from;
  // The version at which one of the two differs from the other.
  const version = Math.max(from, step.to);
  const change = table.get(`${node.opType} ${version}`);
  const ask = up ? change?.up : change?.down;
  const answer = ask?.(node, step);
  if (isRefusal(answer)) return answer;
  if (answer && change) return { change: answer, what: `${change.op} ${change.version}: ${change.changes}` };
  const newer = registry.at('', node.opType, version);
  if (!newer)
    return up && registry.at('', node.opType, from) ? went(node, version) : undeclared(node, version, !change);
  if (!newer.since.includes(version)) return undefined;
  if (!up && !registry.at('', node.opType, step.to)) return refuse(`${node.opType} came with opset ${version}`);
  return byAttributes(node, newer, version, up);
}

const went = (node: Node, version: number): Refusal => refuse(`${node.opType} went with opset ${version}`);

function undeclared(node: Node, version: number, unknown: boolean): Refusal | undefined {
  const versions = UNDECLARED.get(node.opType);
  if (version === versions?.since[0]) return refuse(`${node.opType} came with opset ${version}`);
  if (!unknown || !versions?.since.includes(version) || versions.alike.includes(version)) return undefined;
  return refuse(`opset ${version} changed ${node.opType}, and how is not described here`);
}

/** Attributes that the next version lacks go where they say what it does without them. */
function byAttributes(node: Node, op: AnyOpDef, version: number, up: boolean): Move | Refusal | undefined {
  const leaving: string[] = [];
  const specs = up ? (registry.at('', op.name, version - 1)?.attrs ?? {}) : op.attrs;
  for (const [name, spec] of Object.entries<AttrSpec<unknown>>(specs)) {
    const given = node.attrs.get(name);
    if (!given || (up ? spec.until : spec.since) !== version) continue;
    if (given.kind === 'ref' || given.kind !== spec.kind || spec.read(given) !== spec.fallback)
      return refuse(`${name} is ${valueText(given)}, and ${up ? 'went' : 'came'} with opset ${version}`);
    leaving.push(name);
  }
  if (leaving.length === 0) return undefined;
  return {
    change: (edit) => {
      for (const name of leaving) edit.removeAttr(node, name);
    },
    what: `${op.name} ${version}: ${leaving.join(' and ')} at the default`,
  };
}

function valueText(attr: Attr): string {
  switch (attr.kind) {
    case 'int':
      return String(attr.value);
    case 'float':
      return String(floatOfBits(attr.bits));
    case 'string':
      return `'${attrText(attr.value)}'`;
    case 'ints':
    case 'floats':
      return Array.from(attr.values, String).join(',');
    case 'ref':
      return "one of the function's attributes";
    default:
      return 'given';
  }
}
