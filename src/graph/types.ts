import type { DType } from '../tensor/dtype.js';

/** A known size, a named one (ONNX dim_param), or one that nothing is known of. */
export type Dim = number | string | undefined;
export type Shape = readonly Dim[];

export interface TensorType {
  readonly kind: 'tensor' | 'sparse_tensor';
  readonly dtype: DType;
  /** Absent: not even the rank is known. */
  readonly shape?: Shape | undefined;
}

/** The type of a value, as ONNX's TypeProto has them. Immutable. */
export type ValueType =
  | TensorType
  | { readonly kind: 'sequence' | 'optional'; readonly elem: ValueType | undefined }
  | { readonly kind: 'map'; readonly key: DType; readonly value: ValueType | undefined }
  | { readonly kind: 'opaque' };

export const tensorType = (dtype: DType, shape?: Shape): TensorType => ({ kind: 'tensor', dtype, shape });

export const isTensorType = (t: ValueType | undefined): t is TensorType => t?.kind === 'tensor';

/** The shape of a tensor type whose dimensions are all known numbers. */
export function staticShape(t: ValueType | undefined): readonly number[] | undefined {
  if (!isTensorType(t) || !t.shape) return undefined;
  return t.shape.every((d) => typeof d === 'number') ? t.shape : undefined;
}

/** `float32[n,3,8,8]`, `seq(int64[?])`; `?` for what is not known. */
export function typeText(t: ValueType | undefined): string {
  switch (t?.kind) {
    case undefined:
      return '?';
    case 'tensor':
      return t.shape ? `${t.dtype}[${t.shape.map((d) => d ?? '?').join(',')}]` : t.dtype;
    case 'sparse_tensor':
      return `sparse ${t.dtype}[${t.shape?.map((d) => d ?? '?').join(',') ?? '...'}]`;
    case 'sequence':
      return `seq(${typeText(t.elem)})`;
    case 'optional':
      return `optional(${typeText(t.elem)})`;
    case 'map':
      return `map(${t.key},${typeText(t.value)})`;
    case 'opaque':
      return 'opaque';
  }
}
