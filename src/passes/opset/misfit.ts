import type { Node, Value } from '../../graph/ir.js';
import type { AnyOpDef, AttrSpec } from '../../graph/op-def.js';
import { signatureOf } from '../../graph/signature.js';
import { isTensorType } from '../../graph/types.js';
import { registry, typesAt } from '../../ops/index.js';
import { UNDECLARED } from './undeclared.js';

/** Why a node does not fit what `version`, which its graph imports, says of its operator. */
export function misfit(node: Node, version: number): string | undefined {
  const op = registry.at('', node.opType, version);
  if (op)
    return node.is(op) || fitsWithReferences(node, op, version)
      ? undefined
      : `it does not fit ${op.name} of opset ${version}`;
  const first = UNDECLARED.get(node.opType)?.since[0];
  return first !== undefined && first <= version ? undefined : `ONNX has no ${node.opType} in opset ${version}`;
}

/** Attributes of a function's nodes may stand for those of the call: their kind is not known, but that there are such. */
function fitsWithReferences(node: Node, op: AnyOpDef, version: number): boolean {
  const references = Array.from(node.attrs.values()).filter((a) => a.kind === 'ref');
  if (references.length === 0) return false;
  const { attrs, inputs } = signatureOf(op);
  const known = new Map<string, AttrSpec<unknown>>(attrs);
  if (node.inputs.length > inputs.names.length && !inputs.variadic) return false;
  return Array.from(node.attrs.values()).every((a) => {
    const spec = known.get(a.name);
    if (!spec || version < (spec.since ?? 1) || version >= (spec.until ?? Number.POSITIVE_INFINITY)) return false;
    return a.kind === 'ref' || a.kind === spec.kind;
  });
}

/** Which element type of a node `version` does not list for its operator; undefined when all that are known are listed. */
export function typeProblems(node: Node, version: number): string | undefined {
  const op = registry.at('', node.opType, version);
  if (!op) return undefined;
  const { inputs, outputs } = signatureOf(op);
  const slots: readonly (readonly [Value | undefined, string | undefined])[] = [
    ...node.inputs.map((v, i) => [v, inputs.types[Math.min(i, inputs.types.length - 1)]] as const),
    ...node.outputs.map((v, i) => [v, outputs.types[Math.min(i, outputs.types.length - 1)]] as const),
  ];
  for (const [value, variable] of slots) {
    if (!isTensorType(value?.type) || value.type.dtype === 'undefined' || variable === undefined) continue;
    const { dtype } = value.type;
    if (!typesAt(op, variable, version).includes(dtype)) return `${op.name} of opset ${version} does not take ${dtype}`;
  }
  return undefined;
}
