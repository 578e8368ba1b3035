/**
 * Numbers that broadcast over a value: along each axis one for every index, or one for all. Row-major, of the value's own rank.
 * The scale of a BatchNormalization of N,C,H,W is a grid of 1,C,1,1.
 */
export interface Grid {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** A grid with more elements than this is followed no further: it is no longer one number for each channel. 2^18 are 2 MiB. */
export const MAX_GRID = 2 ** 18;

export const uniform = (rank: number, value: number): Grid => ({
  shape: Array.from({ length: rank }, () => 1),
  values: Float64Array.of(value),
});

/** One number for each index of an axis. */
export const along = (rank: number, axis: number, values: Float64Array): Grid => ({
  shape: Array.from({ length: rank }, (_, i) => (i === axis ? values.length : 1)),
  values,
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** For each axis how far apart its indices lie; 0 where one number stands for all of them. */
function strides(shape: readonly number[]): number[] {
  let unit = 1;
  return shape
    .toReversed()
    .map((d) => {
      const stride = d === 1 ? 0 : unit;
      unit *= d;
      return stride;
    })
    .reverse();
}

/** The grid with each axis as long as `shape` says; `source` gives the place in the grid for a place in the result. */
function gathered(grid: Grid, shape: readonly number[], unit: readonly number[]): Grid {
  const values = new Float64Array(sizeOf(shape));
  const place = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = grid.values[from] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (place[axis] ?? 0) + 1;
      from += unit[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        place[axis] = next;
        break;
      }
      from -= next * (unit[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return { shape, values };
}

/** The grid with axes of 1 repeated to the lengths of `shape`. */
export const repeated = (grid: Grid, shape: readonly number[]): Grid =>
  grid.shape.every((d, i) => d === shape[i]) ? grid : gathered(grid, shape, strides(grid.shape));

/** Axis i of the result is axis perm[i] of the grid. */
export function permuted(grid: Grid, perm: readonly number[]): Grid {
  const unit = strides(grid.shape);
  return gathered(
    grid,
    perm.map((p) => grid.shape[p] ?? 1),
    perm.map((p) => unit[p] ?? 0),
  );
}

/** Element by element, of two grids of one rank. Undefined when their lengths do not go together, or the result would be too large. */
export function zipped(a: Grid, b: Grid, f: (x: number, y: number) => number): Grid | undefined {
  const shape = a.shape.map((d, i) => Math.max(d, b.shape[i] ?? 1));
  const fits = (g: Grid): boolean => g.shape.every((d, i) => d === 1 || d === shape[i]);
  if (a.shape.length !== b.shape.length || !fits(a) || !fits(b) || sizeOf(shape) > MAX_GRID) return undefined;
  const [x, y] = [repeated(a, shape), repeated(b, shape)];
  return { shape, values: x.values.map((v, i) => f(v, y.values[i] ?? 0)) };
}

export const mapped = (grid: Grid, f: (v: number) => number): Grid => ({ ...grid, values: grid.values.map(f) });

/** The same grid with every axis of 1 along which it does not vary. */
export function compressed(grid: Grid): Grid {
  let g = grid;
  for (const axis of grid.shape.keys())
    if (g.shape[axis] !== 1 && !varies(g, axis)) g = gathered(g, g.shape.with(axis, 1), strides(g.shape));
  return g;
}

function varies({ shape, values }: Grid, axis: number): boolean {
  const inner = sizeOf(shape.slice(axis + 1));
  const run = inner * (shape[axis] ?? 1);
  for (let from = 0; from < values.length; from += run)
    for (let i = inner; i < run; i++) if (values[from + i] !== values[from + (i % inner)]) return true;
  return false;
}

export const isUniform = (grid: Grid, value: number): boolean => grid.values.every((v) => v === value);

/** The numbers along one axis, `length` of them. Undefined when the grid varies along another. */
export function vectorAlong(grid: Grid, axis: number, length: number): Float64Array | undefined {
  const g = compressed(grid);
  if (g.shape.some((d, i) => d !== 1 && i !== axis)) return undefined;
  if (g.values.length === length) return g.values;
  return g.values.length === 1 ? new Float64Array(length).fill(g.values[0] ?? 0) : undefined;
}

/** Index i along an axis is index[i] of the grid's. */
export function picked(grid: Grid, axis: number, index: readonly number[]): Grid | undefined {
  const outer = sizeOf(grid.shape.slice(0, axis));
  const inner = sizeOf(grid.shape.slice(axis + 1));
  const from = grid.shape[axis] ?? 1;
  if (outer * index.length * inner > MAX_GRID || index.some((i) => i < 0 || i >= from)) return undefined;
  const values = new Float64Array(outer * index.length * inner);
  for (let o = 0, at = 0; o < outer; o++)
    for (const i of index) for (let k = 0; k < inner; k++) values[at++] = grid.values[(o * from + i) * inner + k] ?? 0;
  return { shape: grid.shape.with(axis, index.length), values };
}

/** Index index[i] along an axis of `length` is index i of the grid's, and `fill` elsewhere. Undefined when two of them differ. */
export function placed(
  grid: Grid,
  axis: number,
  index: readonly number[],
  { length, fill }: { readonly length: number; readonly fill: number },
): Grid | undefined {
  const full = repeated(grid, grid.shape.with(axis, index.length));
  const outer = sizeOf(full.shape.slice(0, axis));
  const inner = sizeOf(full.shape.slice(axis + 1));
  if (outer * length * inner > MAX_GRID || index.some((i) => i < 0 || i >= length)) return undefined;
  const values = new Float64Array(outer * length * inner).fill(fill);
  const written = new Uint8Array(values.length);
  for (let o = 0, from = 0; o < outer; o++) {
    for (const i of index) {
      for (let k = 0; k < inner; k++, from++) {
        const at = (o * length + i) * inner + k;
        if (written[at] === 1 && values[at] !== full.values[from]) return undefined;
        values[at] = full.values[from] ?? 0;
        written[at] = 1;
      }
    }
  }
  return compressed({ shape: full.shape.with(axis, length), values });
}
