import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { Editor } from '../../graph/edit.js';
import type { Model, Value } from '../../graph/ir.js';
import { everyNode } from '../../graph/walk.js';

/** A name, or names by a glob, and the new one: each `*` there stands for what the same `*` matched. */
export interface Renaming {
  readonly from: string;
  readonly to: string;
}

/** What is renamed, kind by kind. */
export interface Renamings {
  readonly inputs?: readonly Renaming[] | undefined;
  readonly outputs?: readonly Renaming[] | undefined;
  /** Any value: inputs, outputs, initializers and what nodes make. */
  readonly values?: readonly Renaming[] | undefined;
  readonly initializers?: readonly Renaming[] | undefined;
  readonly nodes?: readonly Renaming[] | undefined;
  /** Keys of the model's metadata. */
  readonly metadata?: readonly Renaming[] | undefined;
}

/** What a name becomes; undefined where no pattern fits it. The first that fits counts. */
export function renamed(name: string, renamings: readonly Renaming[]): string | undefined {
  for (const { from, to } of renamings) {
    const pattern = from.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    const found = new RegExp(`^${pattern.join('(.*?)')}$`, 's').exec(name);
    if (!found) continue;
    let star = 0;
    return to.replace(/\*/g, () => found[++star] ?? '');
  }
  return undefined;
}

/**
 * Renames parts of a model in place; names may trade places. Gives how many were renamed. Throws `surgery/name` for a pattern that fits nothing,
 * and for two things that would have one name.
 */
export function renameParts(model: Model, renamings: Renamings): number {
  const edit = new Editor(model);
  const { graph } = model;
  const targets = new Map<Value, string>();
  const collect = (kind: keyof Renamings, values: Iterable<Value>): void => {
    const rules = renamings[kind] ?? [];
    const all = [...values];
    checkUsed(
      kind,
      rules,
      all.map((v) => v.name),
    );
    for (const value of all) {
      const name = renamed(value.name, rules);
      if (name !== undefined && name !== value.name) targets.set(value, name);
    }
  };
  collect('inputs', graph.inputs);
  collect('outputs', new Set(graph.outputs));
  collect('initializers', graph.initializers);
  collect('values', graph.values.values());
  renameValues(edit, targets);
  return (
    targets.size + renameNodes(edit, model, renamings.nodes ?? []) + renameKeys(edit, model, renamings.metadata ?? [])
  );
}

/** A pattern that nothing fits is a mistake. */
function checkUsed(kind: string, rules: readonly Renaming[], names: readonly string[]): void {
  for (const rule of rules)
    if (!names.some((name) => renamed(name, [rule]) !== undefined))
      throw new CnnxError('surgery/name', `no name of the model's ${kind} fits ${printable(rule.from)}`, {
        hint: `there are: ${names
          .slice(0, 5)
          .map((n) => printable(n))
          .join(', ')}${names.length > 5 ? ', ...' : ''}`,
      });
}

function renameValues(edit: Editor, targets: ReadonlyMap<Value, string>): void {
  const taken = new Set<string>();
  for (const name of targets.values()) {
    if (name === '' || taken.has(name))
      throw new CnnxError('surgery/name', `two values would be named ${printable(name)}`);
    taken.add(name);
  }
  // First out of the way, so that names can trade places.
  for (const [value] of targets) edit.rename(value, edit.freshName(`${value.name}_renaming`));
  for (const [value, name] of targets) edit.rename(value, name);
}

function renameNodes(edit: Editor, model: Model, rules: readonly Renaming[]): number {
  const nodes = everyNode(model).filter((n) => n.name !== undefined);
  checkUsed(
    'nodes',
    rules,
    nodes.map((n) => n.name ?? ''),
  );
  let count = 0;
  for (const node of nodes) {
    const name = renamed(node.name ?? '', rules);
    if (name === undefined || name === node.name) continue;
    edit.nameNode(node, name);
    count += 1;
  }
  return count;
}

function renameKeys(edit: Editor, model: Model, rules: readonly Renaming[]): number {
  checkUsed(
    'metadata',
    rules,
    model.metadata.map((m) => m.key),
  );
  if (rules.length === 0) return 0;
  const metadata = model.metadata.map((m) => {
    const key = renamed(m.key, rules);
    return key === undefined || key === m.key ? m : { key, value: m.value };
  });
  const keys = metadata.map((m) => m.key);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined)
    throw new CnnxError('surgery/name', `two entries of metadata would be named ${printable(twice)}`);
  edit.setHeader({ metadata });
  return metadata.filter((m, i) => m !== model.metadata[i]).length;
}
