import { CnnxError } from '../base/errors.js';
import type { DType } from '../tensor/dtype.js';
import type { Node } from './ir.js';
import type { AnyOpDef, Slots } from './op-def.js';
import { isTensorType } from './types.js';

/**
 * Throws `graph/shape` when inputs that must have one element type have two. Types that ONNX does not list for an operator pass:
 * onnxruntime has kernels for more (Sum of integers).
 */
export function checkElementTypes(node: Node, op: AnyOpDef): void {
  const slots = Object.entries(op.inputs as Slots);
  const first = new Map<string, { readonly dtype: DType; readonly name: string }>();
  node.inputs.forEach((value, i) => {
    const [name, kind] = slots[Math.min(i, slots.length - 1)] ?? [];
    if (!name || !kind || !isTensorType(value?.type) || value.type.dtype === 'undefined') return;
    const variable = kind.replace(/[?*]$/, '');
    const { dtype } = value.type;
    if (op.mixed && kind.endsWith('*')) return;
    const other = first.get(variable);
    if (other && other.dtype !== dtype)
      throw new CnnxError(
        'graph/shape',
        `${other.name} is ${other.dtype} and ${name} is ${dtype}; ${op.name} takes one element type for both`,
        { hint: 'put a Cast before one of them' },
      );
    if (!other) first.set(variable, { dtype, name });
  });
}
