import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { type Dim, isTensorType, type Shape, type TensorType, tensorType } from '../graph/types.js';
import type { DType } from '../tensor/dtype.js';

/* Types and shapes of values, and arithmetic on dimensions that may be names or unknown. */

/** The shape, as far as it is known; undefined when not even the rank is. */
export function shapeOf(value: Value | undefined): Shape | undefined {
  if (isTensorType(value?.type)) return value.type.shape;
  return value?.initializer?.shape;
}

/** The element type, or 'undefined' when it is not known. */
export function dtypeOf(value: Value | undefined): DType {
  if (isTensorType(value?.type)) return value.type.dtype;
  return value?.initializer?.dtype ?? 'undefined';
}

export const rankOf = (value: Value | undefined): number | undefined => shapeOf(value)?.length;

/** A type with the given shape; undefined when neither it nor the element type is known. */
export const typed = (dtype: DType, shape: Shape | undefined): TensorType | undefined =>
  dtype === 'undefined' && !shape ? undefined : tensorType(dtype, shape);

/** A type with the element type of `value` and another shape. */
export const like = (value: Value | undefined, shape: Shape | undefined): TensorType | undefined =>
  typed(dtypeOf(value), shape);

/** The type of `value` itself. */
export const same = (value: Value | undefined): TensorType | undefined => like(value, shapeOf(value));

export const shapeText = (shape: Shape): string => `[${shape.map((d) => d ?? '?').join(',')}]`;

/** The sizes of a window or an image: `7x7`. */
export const sizeText = (sizes: readonly Dim[]): string => sizes.map((d) => d ?? '?').join('x');

export const shapeError = (message: string, hint?: string): CnnxError =>
  new CnnxError('graph/shape', message, { hint });

/** `axis` counted from the front. Throws `graph/shape` when a tensor of that rank lacks it; `end` = 1 allows one past the last. */
export function axisOf(axis: number, rank: number, end = 0): number {
  const at = axis < 0 ? axis + rank + end : axis;
  if (at >= 0 && at < rank + end) return at;
  const last = rank + end - 1;
  throw shapeError(`axis ${axis} of a tensor of rank ${rank}`, `an axis between ${-rank - end} and ${last}`);
}

export const addDims = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  return b === 0 ? a : undefined;
};

export const subtractDims = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return b === 0 ? a : undefined;
};

export const multiplyDims = (a: Dim, b: Dim): Dim => {
  if (a === 0 || b === 0) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 1) return b;
  return b === 1 ? a : undefined;
};

/** Integer division, towards zero. */
export const divideDims = (a: Dim, b: Dim): Dim => {
  if (b === 1) return a;
  return typeof a === 'number' && typeof b === 'number' && b !== 0 ? Math.trunc(a / b) : undefined;
};

export const productOf = (dims: Shape): Dim => dims.reduce<Dim>(multiplyDims, 1);

/** One dimension that two tensors must share; undefined when neither knows it. `what` names the dimension in the error. */
export function sharedDim(a: Dim, b: Dim, what: string): Dim {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) throw shapeError(`${what}: ${a} and ${b} differ`);
  return typeof b === 'number' ? b : (a ?? b);
}

/** What is known of shapes that must be equal, combined; undefined when none is known. */
export function sharedShape(shapes: readonly (Shape | undefined)[], what: string): Shape | undefined {
  let shared: Shape | undefined;
  for (const shape of shapes) {
    if (!shape) continue;
    if (!shared) {
      shared = shape;
      continue;
    }
    if (shape.length !== shared.length)
      throw shapeError(`${what}: the shapes ${shapeText(shared)} and ${shapeText(shape)} differ in rank`);
    shared = shared.map((d, i) => sharedDim(d, shape[i], `${what}, axis ${i}`));
  }
  return shared;
}

/** Throws `graph/shape` unless the rank, where known, is one of `allowed`. */
export function expectRank(shape: Shape | undefined, at: number, what: string, exactly = true): void {
  if (!shape || (exactly ? shape.length === at : shape.length >= at)) return;
  throw shapeError(
    `${what} has rank ${shape.length} (${shapeText(shape)}); ${exactly ? '' : 'at least '}${at} is needed`,
  );
}
