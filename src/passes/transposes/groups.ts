import type { Dim, Shape } from '../../graph/types.js';
import type { Permutation } from './permutation.js';

/** For each axis of one shape, the sizes of the neighbouring axes that it is split into. */
export type Groups = readonly (readonly Dim[])[];

/** How `to` splits each axis of `from`; undefined where it joins axes, or where that is not proven. One size that is not known may be split, too. */
export function groupsOf(from: Shape, to: Shape): Groups | undefined {
  const open = from.findIndex((d) => typeof d !== 'number');
  const count = open < 0 ? from.length : open;
  const before = split(from.slice(0, count), to);
  if (!before) return undefined;
  const used = before.flat().length;
  // A size of 1 at the end of a group may as well begin the next one: those left over belong to the last.
  if (open < 0) return to.slice(used).every((d) => d === 1) ? withRest(before, to.slice(used)) : undefined;
  const after = split(from.slice(open + 1).toReversed(), to.slice(used).toReversed());
  if (!after) return undefined;
  const middle = to.slice(used, to.length - after.flat().length);
  const same = middle.length === 1 && middle[0] === from[open];
  if (middle.length === 0 || from.slice(open + 1).some((d) => typeof d !== 'number')) return undefined;
  if (!same && middle.filter((d) => typeof d !== 'number').length !== 1) return undefined;
  return [...before, middle, ...after.toReversed().map((g) => g.toReversed())];
}

const withRest = (groups: Groups, rest: readonly Dim[]): Groups =>
  groups.map((g, i) => (i === groups.length - 1 ? [...g, ...rest] : g));

/** Known sizes only, each used up by the next sizes of `to`; what is left of `to` is not looked at. */
function split(from: Shape, to: Shape): Groups | undefined {
  let at = 0;
  const groups: Dim[][] = [];
  for (const size of from) {
    let product = 1;
    const group: Dim[] = [];
    do {
      const next = to[at++];
      if (typeof next !== 'number' || typeof size !== 'number' || next === 0) return undefined;
      product *= next;
      group.push(next);
    } while (product < size);
    if (product !== size) return undefined;
    groups.push(group);
  }
  return groups;
}

/** The order of single axes that an order of groups comes to; `groups` in the order of the result. */
export function expanded(p: Permutation, groups: readonly { readonly length: number }[]): Permutation {
  const starts: number[] = [];
  let next = 0;
  const inInput = p.map((_, axis) => groups[p.indexOf(axis)]?.length ?? 0);
  for (const length of inInput) {
    starts.push(next);
    next += length;
  }
  return p.flatMap((axis, i) => Array.from({ length: groups[i]?.length ?? 0 }, (_, k) => (starts[axis] ?? 0) + k));
}
