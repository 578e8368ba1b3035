import type { Dim, Shape } from '../../../graph/types.js';
import { compressed, type Grid, MAX_GRID, permuted, placed, picked, repeated } from './grid.js';

/*
 * How an operator moves the elements of its input, as far as numbers that broadcast over it are concerned. Each step is one of a few kinds, which
 * can be followed downwards (from the input to the output) and upwards.
 */
export type Step =
  /** The rank stays; along `moving` axes elements move, are repeated, left out or averaged: no number may vary there. */
  | { readonly kind: 'keep'; readonly moving: readonly number[] }
  /** Axis i of the output is axis perm[i] of the input. */
  | { readonly kind: 'permute'; readonly perm: readonly number[] }
  /** The same elements in the same order, counted by other axes. */
  | { readonly kind: 'view'; readonly from: Shape; readonly to: Shape }
  /** These axes go, as in a reduction without keepdims. */
  | { readonly kind: 'drop'; readonly axes: readonly number[] }
  /** Index i of the output's axis is index[i] of the input's, which has `length`. `shared`: something else reads the rest of the input. */
  | ({ readonly kind: 'pick'; readonly shared: boolean } & Choice)
  /** Index i of the input's axis is index[i] of the output's, which has `length`; the rest of the output comes from other inputs. */
  | ({ readonly kind: 'place' } & Choice);

interface Choice {
  readonly axis: number;
  /** Undefined where it is not known: then no number may vary along the axis. */
  readonly index: readonly number[] | undefined;
  readonly length: number | undefined;
}

/** A grid over the input as one over the output; `fill` for what other inputs make. Undefined when it varies where it may not. */
export function down(step: Step, grid: Grid, fill: number): Grid | undefined {
  switch (step.kind) {
    case 'pick':
      return pickedFrom(step, grid);
    case 'place':
      return placedAmong(step, grid, fill);
    case 'keep':
      return kept(step.moving, grid);
    case 'permute':
      return permuted(grid, step.perm);
    case 'view':
      return viewed(step.from, step.to, grid);
    case 'drop': {
      const g = kept(step.axes, grid);
      return g && { values: g.values, shape: g.shape.filter((_, i) => !step.axes.includes(i)) };
    }
    default:
      return never(step);
  }
}

/** A grid over the output as one over the input; `fill` for what only others read. */
export function up(step: Step, grid: Grid, fill: number): Grid | undefined {
  switch (step.kind) {
    case 'pick':
      return step.shared || compressed(grid).shape[step.axis] !== 1 ? placedAmong(step, grid, fill) : grid;
    case 'place':
      return pickedFrom(step, grid);
    case 'keep':
      return kept(step.moving, grid);
    case 'permute':
      return permuted(grid, inverse(step.perm));
    case 'view':
      return viewed(step.to, step.from, grid);
    case 'drop': {
      const shape = [...grid.shape];
      for (const axis of step.axes) shape.splice(axis, 0, 1);
      return { values: grid.values, shape };
    }
    default:
      return never(step);
  }
}

function pickedFrom({ axis, index }: Choice, grid: Grid): Grid | undefined {
  const g = compressed(grid);
  if (g.shape[axis] === 1) return g;
  return index && picked(g, axis, index);
}

function placedAmong({ axis, index, length }: Choice, grid: Grid, fill: number): Grid | undefined {
  const g = compressed(grid);
  return index && length !== undefined ? placed(g, axis, index, { length, fill }) : undefined;
}

const never = (step: never): never => {
  throw new Error(`bug: a step of another kind: ${JSON.stringify(step)}`);
};

function inverse(perm: readonly number[]): number[] {
  const out = perm.map(() => 0);
  perm.forEach((p, i) => (out[p] = i));
  return out;
}

function kept(moving: readonly number[], grid: Grid): Grid | undefined {
  const g = compressed(grid);
  return moving.every((axis) => g.shape[axis] === 1) ? g : undefined;
}

interface Block {
  readonly from: readonly Dim[];
  readonly to: readonly Dim[];
}

const same = (a: Dim, b: Dim): boolean => a !== undefined && a === b;

/** Runs of axes of `from` and `to` that hold the same elements: equal ones at both ends, then the shortest runs with equal products. */
function blocks(from: Shape, to: Shape): Block[] {
  let [start, a, b] = [0, from.length, to.length];
  const front: Block[] = [];
  const back: Block[] = [];
  while (start < Math.min(a, b) && same(from[start], to[start])) front.push({ from: [from[start]], to: [to[start++]] });
  while (a > start && b > start && same(from[a - 1], to[b - 1])) back.unshift({ from: [from[--a]], to: [to[--b]] });
  const middle = { from: from.slice(start, a), to: to.slice(start, b) };
  return [
    ...front,
    ...(isStatic(middle.from) && isStatic(middle.to) ? divided(middle.from, middle.to) : [middle]),
    ...back,
  ];
}

const isStatic = (dims: readonly Dim[]): dims is readonly number[] => dims.every((d) => typeof d === 'number');

function divided(from: readonly number[], to: readonly number[]): Block[] {
  const out: Block[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [a, b] = [i, j];
    let [p, q] = [from[i++] ?? 1, to[j++] ?? 1];
    while (p !== q && (i < from.length || j < to.length)) {
      if ((p < q && i < from.length) || j >= to.length) p *= from[i++] ?? 1;
      else q *= to[j++] ?? 1;
    }
    out.push({ from: from.slice(a, i), to: to.slice(b, j) });
  }
  return out;
}

/** In a block where the numbers vary, every size has to be known: they are repeated to all of its elements, and counted by the new axes. */
function viewed(from: Shape, to: Shape, grid: Grid): Grid | undefined {
  const g = compressed(grid);
  const full: number[] = [];
  const shape: number[] = [];
  for (const block of blocks(from, to)) {
    const own = g.shape.slice(full.length, full.length + block.from.length);
    if (own.every((d) => d === 1)) {
      full.push(...own);
      shape.push(...block.to.map(() => 1));
    } else {
      if (!isStatic(block.from) || !isStatic(block.to)) return undefined;
      full.push(...block.from);
      shape.push(...block.to);
    }
  }
  if (full.reduce((n, d) => n * d, 1) > MAX_GRID) return undefined;
  const { values } = repeated(g, full);
  return shape.reduce((n, d) => n * d, 1) === values.length ? compressed({ shape, values }) : undefined;
}
