import { type Grid, picked, repeated } from '../move/grid.js';

/* Integers that depend on a batch size that is not known, and what operators make of them. */

/** element = constant + perSize * n + perIndex * b. Grids of one shape, in which the batch has length 1. */
export interface Open {
  readonly constant: Grid;
  readonly perSize: Grid;
  readonly perIndex: Grid;
  /** The axis whose length is n; undefined where there is none. */
  readonly batch: number | undefined;
}

/** Elements of one value beyond this are not followed. */
export const MAX_ELEMENTS = 1 << 22;
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const filled = (shape: readonly number[], value = 0): Grid => ({
  shape,
  values: new Float64Array(sizeOf(shape)).fill(value),
});
const parts = ({ constant, perSize, perIndex }: Open): readonly Grid[] => [constant, perSize, perIndex];
export const isZero = ({ values }: Grid): boolean => values.every((v) => v === 0);

function open(grids: readonly (Grid | undefined)[], batch: number | undefined): Open | undefined {
  const [constant, perSize, perIndex] = grids;
  return constant && perSize && perIndex && { constant, perSize, perIndex, batch };
}

export const fixed = (constant: Grid): Open => ({
  constant,
  perSize: filled(constant.shape),
  perIndex: filled(constant.shape),
  batch: undefined,
});

/** The numbers of a value that depends on nothing. */
export const numbersOf = (x: Open | undefined): readonly number[] | undefined =>
  x && x.batch === undefined && isZero(x.perSize) && isZero(x.perIndex) ? Array.from(x.constant.values) : undefined;

/** Both repeated to the shape that they broadcast to, in which the batch axis is the same. */
function broadcast(a: Open, b: Open): readonly [Open, Open] | undefined {
  const rank = Math.max(a.constant.shape.length, b.constant.shape.length);
  const [x, y] = [a, b].map((o) => deeper(o, rank));
  if (!x || !y || (x.batch !== undefined && y.batch !== undefined && x.batch !== y.batch)) return undefined;
  const batch = x.batch ?? y.batch;
  const shape = x.constant.shape.map((d, i) => Math.max(d, y.constant.shape[i] ?? 1));
  const fits = (o: Open): boolean =>
    o.constant.shape.every((d, i) => d === 1 || d === shape[i]) && (batch === undefined || shape[batch] === 1);
  if (!fits(x) || !fits(y) || sizeOf(shape) > MAX_ELEMENTS) return undefined;
  const all = (o: Open): Open | undefined =>
    open(
      parts(o).map((g) => repeated(g, shape)),
      batch,
    );
  const [p, q] = [all(x), all(y)];
  return p && q && [p, q];
}

function deeper(x: Open, rank: number): Open | undefined {
  const more = rank - x.constant.shape.length;
  const shape = [...Array.from({ length: more }, () => 1), ...x.constant.shape];
  return open(
    parts(x).map((g) => ({ shape, values: g.values })),
    x.batch === undefined ? undefined : x.batch + more,
  );
}

export function linear(a: Open, b: Open, sign: 1 | -1): Open | undefined {
  const both = broadcast(a, b);
  if (!both) return undefined;
  const [x, y] = both.map(parts);
  const sum = x?.map((g, i) => ({
    shape: g.shape,
    values: g.values.map((v, k) => v + sign * (y?.[i]?.values[k] ?? 0)),
  }));
  return sum && open(sum, both[0].batch);
}

export function product(a: Open, b: Open): Open | undefined {
  const both = broadcast(a, b);
  if (!both) return undefined;
  const isFixed = (o: Open): boolean => isZero(o.perSize) && isZero(o.perIndex);
  const [x, y] = isFixed(both[1]) ? both : [both[1], both[0]];
  if (!isFixed(y)) return undefined;
  const scaled = parts(x).map((g) => ({
    shape: g.shape,
    values: g.values.map((v, k) => v * (y.constant.values[k] ?? 0)),
  }));
  return open(scaled, both[0].batch);
}

/** 1 or 0 for each element where that is the same for every n: sizes are not negative. */
export function equal(a: Open, b: Open): Open | undefined {
  const difference = linear(a, b, -1);
  if (!difference || !isZero(difference.perIndex)) return undefined;
  const { constant, perSize } = difference;
  const values = new Float64Array(constant.values.length);
  for (let i = 0; i < values.length; i++) {
    const [c, n] = [constant.values[i] ?? 0, perSize.values[i] ?? 0];
    if (n !== 0 && c * n <= 0) return undefined;
    values[i] = c === 0 ? 1 : 0;
  }
  return { ...fixed({ shape: constant.shape, values }), batch: difference.batch };
}

export function chosen(condition: Open, a: Open, b: Open): Open | undefined {
  const test = condition.batch === undefined ? condition : undefined;
  const both = broadcast(a, b);
  const where = test && both && broadcast(test, both[0]);
  if (!both || !where || where[0].constant.shape.join() !== both[0].constant.shape.join()) return undefined;
  const [x, y] = both.map(parts);
  const picks = where[0].constant.values;
  const grids = x?.map((g, i) => ({
    shape: g.shape,
    values: g.values.map((v, k) => (picks[k] ? v : (y?.[i]?.values[k] ?? 0))),
  }));
  return grids && open(grids, both[0].batch);
}

/** 0, 1, .. n - 1, or a range of numbers. */
export function range(start: Open, limit: Open, delta: Open): Open | undefined {
  const [[from], [to], [step]] = [start, limit, delta].map((x) => numbersOf(x) ?? []) as [number[], number[], number[]];
  if (from === undefined || !step) return undefined;
  if (to !== undefined) {
    const length = Math.max(0, Math.ceil((to - from) / step));
    if (length > MAX_ELEMENTS) return undefined;
    return fixed({ shape: [length], values: Float64Array.from({ length }, (_, i) => from + i * step) });
  }
  const isN = limit.constant.values[0] === 0 && limit.perSize.values[0] === 1 && isZero(limit.perIndex);
  if (!isN || from !== 0 || step !== 1) return undefined;
  return { constant: filled([1]), perSize: filled([1]), perIndex: filled([1], 1), batch: 0 };
}

/** A list of sizes, of which at most one is n, as a shape with 1 in its place. */
function shapeIn(sizes: Open): { readonly shape: readonly number[]; readonly batch: number | undefined } | undefined {
  if (sizes.constant.shape.length !== 1 || sizes.batch !== undefined || !isZero(sizes.perIndex)) return undefined;
  const shape = Array.from(sizes.constant.values);
  let batch: number | undefined;
  for (const [axis, n] of sizes.perSize.values.entries()) {
    if (n === 0) continue;
    if (n !== 1 || shape[axis] !== 0 || batch !== undefined) return undefined;
    shape[axis] = 1;
    batch = axis;
  }
  return { shape, batch };
}

export function expanded(x: Open, sizes: Open): Open | undefined {
  const to = shapeIn(sizes);
  if (!to || sizeOf(to.shape) > MAX_ELEMENTS) return undefined;
  return broadcast(x, { ...fixed(filled(to.shape)), batch: to.batch })?.[0];
}

/** The batch stays the first axis, or what is not the batch is counted anew. */
export function reshaped(x: Open, sizes: Open): Open | undefined {
  const to = shapeIn(sizes);
  if (!to || to.shape.includes(0)) return undefined;
  const count = sizeOf(x.constant.shape);
  const free = to.shape.indexOf(-1);
  if (x.batch === undefined) {
    if (to.batch !== undefined) return undefined;
    const rest = sizeOf(to.shape.filter((d) => d !== -1));
    return viewed(x, free < 0 ? to.shape : to.shape.with(free, count / rest));
  }
  if (x.batch !== 0 || (to.batch ?? free) !== 0 || to.shape.lastIndexOf(-1) > 0) return undefined;
  const shape = to.shape.with(0, 1);
  return sizeOf(shape) === count
    ? open(
        parts(x).map((g) => ({ shape, values: g.values })),
        0,
      )
    : undefined;
}

/** The same elements by another shape, without a batch or with the batch where it is. */
export function viewed(x: Open, shape: readonly number[] | undefined): Open | undefined {
  if (!shape || sizeOf(shape) !== sizeOf(x.constant.shape)) return undefined;
  // A batch on axis 0 stays there only if nothing comes before it.
  if (x.batch !== undefined && (x.batch !== 0 || shape[0] !== 1)) return undefined;
  return open(
    parts(x).map((g) => ({ shape, values: g.values })),
    x.batch,
  );
}

export function inserted(shape: readonly number[], axes: readonly number[] | undefined): readonly number[] | undefined {
  if (!axes || axes.includes(0)) return axes && shape.length === 0 ? axes.map(() => 1) : undefined;
  const out = [...shape];
  for (const axis of axes) out.splice(axis, 0, 1);
  return out;
}

export const dropped = (shape: readonly number[], axes: readonly number[] | undefined): readonly number[] | undefined =>
  axes && shape.filter((_, i) => !axes.includes(i));

/** Entries of an axis that is not the batch. `scalar`: of one index, and the axis goes. */
export function along(x: Open, axis: number, index: readonly number[] | undefined, scalar: boolean): Open | undefined {
  const rank = x.constant.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (!index || at === x.batch || (scalar && x.batch !== undefined)) return undefined;
  const length = x.constant.shape[at] ?? 1;
  const places = index.map((i) => (i < 0 ? i + length : i));
  const grids = parts(x).map((g) => picked(g, at, places));
  const shape = x.constant.shape.filter((_, i) => i !== at);
  return open(scalar ? grids.map((g) => g && { shape, values: g.values }) : grids, x.batch);
}

export function joined(inputs: readonly (Open | undefined)[], axis: number): Open | undefined {
  const [first] = inputs;
  const rank = first?.constant.shape.length ?? 0;
  const at = axis < 0 ? axis + rank : axis;
  const batches = new Set(inputs.flatMap((x) => x?.batch ?? []));
  const batch = [...batches][0];
  if (!first || batches.size > 1 || at === batch) return undefined;
  const all = inputs.filter((x) => x !== undefined);
  if (all.length < inputs.length || all.some((x) => x.constant.shape.length !== rank)) return undefined;
  // Where one has a batch each has: a length of 1 beside it would only fit for n = 1.
  if (batch !== undefined && all.some((x) => x.batch !== batch)) return undefined;
  const outer = sizeOf(first.constant.shape.slice(0, at));
  const lengths = all.map((x) => x.constant.shape[at] ?? 1);
  const inner = sizeOf(first.constant.shape.slice(at + 1));
  const total = lengths.reduce((n, l) => n + l, 0);
  if (
    outer * total * inner > MAX_ELEMENTS ||
    all.some((x, i) => x.constant.values.length !== outer * (lengths[i] ?? 1) * inner)
  )
    return undefined;
  const grids = [0, 1, 2].map((part): Grid => {
    const values = new Float64Array(outer * total * inner);
    for (let o = 0, to = 0; o < outer; o++)
      for (const [i, x] of all.entries()) {
        const run = (lengths[i] ?? 1) * inner;
        values.set(parts(x)[part]?.values.subarray(o * run, (o + 1) * run) ?? [], to);
        to += run;
      }
    return { shape: first.constant.shape.with(at, total), values };
  });
  return open(grids, batch);
}
