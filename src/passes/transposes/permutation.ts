/** An order of axes, as Transpose has it: axis i of the result is axis p[i] of the input. */
export type Permutation = readonly number[];

export const isIdentity = (p: Permutation): boolean => p.every((axis, i) => axis === i);

export const samePermutation = (p: Permutation, q: Permutation): boolean =>
  p.length === q.length && p.every((axis, i) => axis === q[i]);

export function inverse(p: Permutation): Permutation {
  const out = p.map(() => 0);
  for (const [i, axis] of p.entries()) out[axis] = i;
  return out;
}

/** The one Transpose that does what `first` and then `second` do. */
export const composed = (first: Permutation, second: Permutation): Permutation =>
  second.map((axis) => first[axis] ?? axis);

/** What is left of an order when these axes of the result, and those of the input that they are, go. */
export function without(p: Permutation, axes: readonly number[]): Permutation {
  const gone = new Set(axes.map((a) => p[a]));
  const left = p.map((_, i) => i).filter((axis) => !gone.has(axis));
  return p.filter((_, i) => !axes.includes(i)).map((axis) => left.indexOf(axis));
}

/** The order with `axes` of the result put in, which stand at the same places of the input. */
export function withAxes(p: Permutation, axes: readonly number[]): Permutation {
  const rank = p.length + axes.length;
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i));
  let next = 0;
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? i : (others[p[next++] ?? 0] ?? i)));
}
