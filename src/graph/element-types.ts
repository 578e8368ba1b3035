import { CnnxError } from '../base/errors.js';
import type { DType } from '../tensor/dtype.js';
import type { Node } from './ir.js';
import type { AnyOpDef } from './op-def.js';
import { signatureOf } from './signature.js';
import { isTensorType } from './types.js';

/**
 * Throws `graph/shape` when inputs that must have one element type have two. Types that ONNX does not list for an
 * operator pass: onnxruntime has kernels for more (Sum of integers).
 */
export function checkElementTypes(node: Node, op: AnyOpDef): void {
  if (node.inputs.length < 2) return;
  const { names, types, variadic } = signatureOf(op).inputs;
  const last = names.length - 1;
  const first = new Map<string, { readonly dtype: DType; readonly name: string }>();
  for (const [i, value] of node.inputs.entries()) {
    const name = names[Math.min(i, last)];
    const variable = types[Math.min(i, last)];
    if (name === undefined || variable === undefined || !isTensorType(value?.type) || value.type.dtype === 'undefined')
      continue;
    if (op.mixed && variadic && i >= last) continue;
    const { dtype } = value.type;
    const other = first.get(variable);
    if (other && other.dtype !== dtype)
      throw new CnnxError(
        'graph/shape',
        `${other.name} is ${other.dtype} and ${name} is ${dtype}; ${op.name} takes one element type for both`,
        { hint: 'put a Cast before one of them' },
      );
    if (!other) first.set(variable, { dtype, name });
  }
}
