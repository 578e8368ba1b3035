import type { DType } from '../tensor/dtype.js';

/** A known size, a named one (ONNX dim_param), or one that nothing is known of. */
export type Dim = number | string | undefined;
/** Sizes, one for each axis. */
export type Shape = readonly Dim[];

/** An element type and a shape; without the shape the rank is unknown. */
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

/**
 * A size that no file names: inference made it up, so that values which share the size are known to. Never written to a
 * file.
 */
export const openSize = (n: number): string => `\u0000${n}`;

export const isOpenSize = (d: Dim): boolean => typeof d === 'string' && d.startsWith('\u0000');

/** The type of a tensor, with or without a shape. */
export const tensorType = (dtype: DType, shape?: Shape): TensorType => ({ kind: 'tensor', dtype, shape });

/** Whether a type is that of a tensor, of whatever shape. */
export const isTensorType = (t: ValueType | undefined): t is TensorType => t?.kind === 'tensor';

/** Whether two are types of tensors, and say the same. */
export function equalTensorTypes(a: ValueType | undefined, b: ValueType | undefined): boolean {
  if (!isTensorType(a) || !isTensorType(b) || a.dtype !== b.dtype) return false;
  const { shape } = b;
  return a.shape && shape
    ? a.shape.length === shape.length && a.shape.every((d, i) => d === shape[i])
    : a.shape === shape;
}

/** A type without what it says of sizes, ranks included. */
export function withoutSizes(t: ValueType | undefined): ValueType | undefined {
  switch (t?.kind) {
    case 'tensor':
    case 'sparse_tensor':
      return { kind: t.kind, dtype: t.dtype };
    case 'sequence':
    case 'optional':
      return { kind: t.kind, elem: withoutSizes(t.elem) };
    case 'map':
      return { kind: t.kind, key: t.key, value: withoutSizes(t.value) };
    default:
      return t;
  }
}

/** The shape of a tensor type whose dimensions are all known numbers. */
export function staticShape(t: ValueType | undefined): readonly number[] | undefined {
  if (!isTensorType(t) || !t.shape) return undefined;
  return t.shape.every((d) => typeof d === 'number') ? t.shape : undefined;
}

/** `float32[n,3,8,8]`, `seq(int64[?])`; `?` for what is not known. */
export function typeText(
  t: ValueType | undefined,
  dimText = (d: Dim): string => (isOpenSize(d) ? '?' : String(d ?? '?')),
): string {
  const tensorText = (of: TensorType): string => `${of.dtype}${of.shape ? `[${of.shape.map(dimText).join(',')}]` : ''}`;
  let text = '';
  let close = '';
  for (let at: ValueType | undefined = t; ; ) {
    switch (at?.kind) {
      case undefined:
        return `${text}?${close}`;
      case 'tensor':
        return text + tensorText(at) + close;
      case 'sparse_tensor':
        return `${text}sparse ${tensorText(at)}${close}`;
      case 'opaque':
        return `${text}opaque${close}`;
      case 'sequence':
        text += 'seq(';
        at = at.elem;
        break;
      case 'optional':
        text += 'optional(';
        at = at.elem;
        break;
      case 'map':
        text += `map(${at.key},`;
        at = at.value;
        break;
    }
    close += ')';
  }
}
