import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/*
 * npm run graph: the rooms of src/ and the imports between them, as text. A room is a folder of src/, or a file beside them. The number on an
 * arrow says how many import lines it stands for; imports of types count.
 */

const IMPORT = /^\s*(?:import|export)\s+(?:type\s+)?[^;'"]*?from\s+'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)/gm;

/** By room: the rooms that it imports, with the number of lines. */
export type Arrows = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function roomArrows(src: string): Arrows {
  const arrows = new Map<string, Map<string, number>>();
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'))) {
    const from = roomOf(file);
    const out = arrows.get(from) ?? new Map<string, number>();
    arrows.set(from, out);
    for (const [, a, b] of readFileSync(join(src, file), 'utf8').matchAll(IMPORT)) {
      const to = roomOf(relative(src, normalize(join(src, dirname(file), a ?? b ?? '')).replace(/\.js$/, '.ts')));
      if (to !== from) out.set(to, (out.get(to) ?? 0) + 1);
    }
  }
  return arrows;
}

const roomOf = (file: string): string => {
  const [first = '', second] = file.split(/[\\/]/);
  return first === '..' ? (second ?? first) : first;
};

/** Every set of rooms that import each other in a circle; none in a house in order. */
export function roomCircles(arrows: Arrows): string[][] {
  const reach = new Map<string, Set<string>>();
  const reachable = (room: string): Set<string> => {
    const known = reach.get(room);
    if (known) return known;
    const seen = new Set<string>();
    reach.set(room, seen);
    const pending = [...(arrows.get(room)?.keys() ?? [])];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      pending.push(...(arrows.get(next)?.keys() ?? []));
    }
    return seen;
  };
  const circles = new Set<string>();
  for (const room of arrows.keys()) {
    if (!reachable(room).has(room)) continue;
    const members = [...reachable(room)].filter((other) => reachable(other).has(room));
    circles.add(members.sort().join(' '));
  }
  return [...circles].map((c) => c.split(' '));
}

/** One line for each room, the ones that import most others first. */
export function arrowsText(arrows: Arrows): string {
  const depth = new Map<string, number>();
  const depthOf = (room: string, path: readonly string[]): number => {
    const known = depth.get(room);
    if (known !== undefined) return known;
    if (path.includes(room)) return 0;
    const below = [...(arrows.get(room)?.keys() ?? [])].map((next) => depthOf(next, [...path, room]) + 1);
    const d = Math.max(0, ...below);
    depth.set(room, d);
    return d;
  };
  const rooms = [...arrows.keys()].sort((a, b) => depthOf(b, []) - depthOf(a, []) || a.localeCompare(b));
  const width = Math.max(...rooms.map((r) => r.length));
  const lines = rooms.map((room) => {
    const targets = [...(arrows.get(room) ?? [])].sort((a, b) => depthOf(b[0], []) - depthOf(a[0], []));
    return `${String(depthOf(room, [])).padStart(2)}  ${room.padEnd(width)}  -> ${targets.map(([to, n]) => `${to} ${n}`).join(', ')}`;
  });
  const circles = roomCircles(arrows);
  const verdict = circles.length === 0 ? 'no circle' : `circles: ${circles.map((c) => c.join(' <-> ')).join('; ')}`;
  return `${lines.join('\n')}\n${verdict}`;
}

const [, program, folder = 'src'] = process.argv;
if (program !== undefined && import.meta.url === pathToFileURL(program).href)
  console.log(arrowsText(roomArrows(folder)));
