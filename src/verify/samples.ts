import { takeRows } from '../tensor/rows.js';
import type { Tensor } from '../tensor/tensor.js';

/** Where the entries of one sample stand in a tensor of several. */
export interface Arrangement {
  /** Undefined: the tensor carries no batch, and is the same for each. */
  readonly axis: number | undefined;
  /** Entries of that axis for each sample. */
  readonly per: number;
  /** Whether they stand together, or one of each sample in turn. */
  readonly turns: boolean;
}

/** How `together`, of `batch` samples, may be made of tensors like `alone`, of `old`; none when no shape fits. */
export function arrangements(
  alone: Tensor | undefined,
  together: Tensor,
  old: number,
  batch: number,
): readonly Arrangement[] {
  const [a, b] = [alone?.shape ?? [], together.shape];
  if (!alone || a.length !== b.length || alone.dtype !== together.dtype) return [];
  const found: Arrangement[] = [];
  a.forEach((size, axis) => {
    if (size % old !== 0 || size === 0 || b[axis] !== (size / old) * batch) return;
    if (a.some((d, i) => i !== axis && d !== b[i])) return;
    const per = size / old;
    found.push({ axis, per, turns: false });
    if (per > 1 && batch > 1) found.push({ axis, per, turns: true });
  });
  return found.length === 0 && a.join() === b.join() ? [{ axis: undefined, per: 0, turns: false }] : found;
}

/** Each sample's part of what was computed alone, and of what was computed together. */
export function rowsOf(
  alone: readonly Tensor[],
  together: Tensor,
  { axis, per, turns }: Arrangement,
  old: number,
): { readonly own: readonly Tensor[]; readonly together: readonly Tensor[] } {
  if (axis === undefined) return { own: alone, together: alone.map(() => together) };
  const part = (t: Tensor, sample: number, of: number): Tensor =>
    takeRows(
      t,
      axis,
      Array.from({ length: per }, (_, i) => (turns ? i * of + sample : sample * per + i)),
    );
  return {
    own: alone.map((t) => part(t, 0, old)),
    together: alone.map((_, i) => part(together, i, alone.length)),
  };
}
