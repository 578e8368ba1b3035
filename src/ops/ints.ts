import type { Value } from '../graph/ir.js';
import type { Dim } from '../graph/types.js';
import { dtypeOf, rankOf, shapeOf } from './tensors.js';

/* Arithmetic on the integers of scalars and vectors: how exporters compute shapes. */

/** The integers that a value holds, undefined for unknown ones, when at least their number is known. */
export type Ints = (value: Value | undefined) => readonly Dim[] | undefined;

const FOLLOWED: ReadonlySet<string> = new Set(['int64', 'int32', 'bool']);

/** Scalars and vectors of integers only; a vector of known length whose entries are unknown counts. */
export function vectorOf(value: Value | undefined, ints: Ints): readonly Dim[] | undefined {
  const rank = rankOf(value);
  if (!FOLLOWED.has(dtypeOf(value))) return undefined;
  if (rank === undefined || rank > 1) return undefined;
  const known = ints(value);
  if (known) return known;
  const length = rank === 0 ? 1 : shapeOf(value)?.[0];
  return typeof length === 'number' && length <= 64 ? Array.from({ length }, (): Dim => undefined) : undefined;
}

/** One operation on scalars and vectors, which broadcast. */
export function zipInts(values: readonly Value[], ints: Ints, op: (a: Dim, b: Dim) => Dim): readonly Dim[] | undefined {
  let out: readonly Dim[] | undefined;
  for (const value of values) {
    const next = vectorOf(value, ints);
    if (!next) return undefined;
    if (!out) {
      out = next;
      continue;
    }
    const length = out.length === 1 ? next.length : out.length;
    if (next.length !== 1 && next.length !== length) return undefined;
    const [a, b]: readonly (readonly Dim[])[] = [out, next];
    out = Array.from({ length }, (_, i) => op(a?.length === 1 ? a[0] : a?.[i], b?.length === 1 ? b[0] : b?.[i]));
  }
  return out;
}

/** The list itself when all entries are numbers. */
export function numbersOf(list: readonly Dim[] | undefined): readonly number[] | undefined {
  return list?.every((d) => typeof d === 'number') ? list : undefined;
}
