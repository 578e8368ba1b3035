import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/*
 * The house: imports go down only, rooms of one floor do not import each other, and packages enter through the rooms that are named here.
 * A new folder is a new row.
 */

const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  tensor: 1,
  graph: 2,
  ops: 3,
  formats: 3,
  text: 3,
  analysis: 4,
  builders: 4,
  export: 4,
  running: 4,
  passes: 5,
  verify: 5,
  view: 5,
  weights: 5,
  tasks: 6,
  'core.ts': 7,
  node: 7,
  'index.ts': 8,
  cli: 9,
};

/** Packages, and which rooms import them at run time. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@hono/node-server': ['node'],
  commander: ['cli'],
  hono: ['node'],
  'onnxruntime-node': ['node'],
  picocolors: ['cli'],
  'prom-client': ['node'],
  protobufjs: ['formats'],
  sharp: ['node'],
  valibot: ['builders', 'tasks'],
};
const NODE_ROOMS = ['node', 'cli'];

const MAX_LINES = 400;
const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}
const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts'))
  .map((f) => ({ path: f, room: f.split(/[\\/]/)[0] ?? '', text: readFileSync(join(src, f), 'utf8') }));

interface Import {
  readonly from: SourceFile;
  readonly what: string;
  readonly typeOnly: boolean;
}
const imports: readonly Import[] = files.flatMap((from) =>
  Array.from(
    from.text.matchAll(
      /^\s*(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^\s*import\s+'([^']+)'/gm,
    ),
    (m) => ({ from, what: m[2] ?? m[3] ?? m[4] ?? '', typeOnly: m[1] !== undefined }),
  ),
);
const inside = imports.filter((i) => i.what.startsWith('.'));
const outside = imports.filter((i) => !i.what.startsWith('.'));
/** The imported file, as the paths of `files` are. */
const pathOf = ({ from, what }: Import): string =>
  relative(src, normalize(join(src, dirname(from.path), what))).replace(/\.js$/, '.ts');
const roomOf = (i: Import): string => pathOf(i).split(/[\\/]/)[0] ?? '';

test('there is something to test', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(inside.length).toBeGreaterThan(300);
});

test('every folder has its floor', () => {
  expect([...new Set(files.map((f) => f.room))].filter((room) => FLOORS[room] === undefined)).toEqual([]);
});

test('imports go down, and never to another room of the same floor', () => {
  const climbs = inside.filter((i) => {
    const target = roomOf(i);
    if (target === '..' || target === 'models') return i.from.room !== 'builders';
    if (target === i.from.room) return false;
    return (FLOORS[target] ?? Number.POSITIVE_INFINITY) >= (FLOORS[i.from.room] ?? -1);
  });
  expect(climbs.map((i) => `${i.from.path} imports ${i.what}`)).toEqual([]);
});

test('no import circles, of types neither', () => {
  const targets = new Map(files.map((f) => [f.path, new Set<string>()]));
  for (const i of inside) targets.get(i.from.path)?.add(pathOf(i));
  // Takes away the files that import none of those left, again and again: what stays is on a circle, or imports one.
  for (let before = -1; before !== targets.size; ) {
    before = targets.size;
    for (const [path, imported] of targets) if (![...imported].some((t) => targets.has(t))) targets.delete(path);
  }
  // Likewise those that none of them import.
  for (let before = -1; before !== targets.size; ) {
    before = targets.size;
    const imported = new Set([...targets.values()].flatMap((t) => [...t]));
    for (const path of targets.keys()) if (!imported.has(path)) targets.delete(path);
  }
  expect([...targets.keys()]).toEqual([]);
});

test('packages and node: modules enter only where they may', () => {
  const strays = outside.filter(({ what, from, typeOnly }) => {
    if (what.startsWith('node:')) return !NODE_ROOMS.includes(from.room);
    const name = what.startsWith('@') ? what.split('/').slice(0, 2).join('/') : (what.split('/')[0] ?? '');
    return !typeOnly && !PACKAGES[name]?.includes(from.room);
  });
  expect(strays.map((i) => `${i.from.path} imports ${i.what}`)).toEqual([]);
});

test('only the graph itself and the readers of files write to its objects', () => {
  const writers = inside
    .filter((i) => i.what.endsWith('/mutate.js'))
    .map((i) => i.from.path.split(/[\\/]/).slice(0, 2).join('/'));
  expect([...new Set(writers)].filter((w) => !/^(?:graph|text)\/|^formats\/onnx$/.test(w))).toEqual([]);
});

test('the browser-clean entry leads to no node: module', () => {
  const reached = new Set<string>();
  const pending = ['core.ts'];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const i of inside) if (i.from.path === path && !i.typeOnly) pending.push(pathOf(i));
  }
  expect(outside.filter((i) => reached.has(i.from.path) && i.what.startsWith('node:')).map((i) => i.from.path)).toEqual(
    [],
  );
});

test('no file is longer than it may be', () => {
  const long = files
    .map((f) => ({ path: f.path, lines: f.text.split('\n').length - 1 }))
    .filter((f) => f.lines > MAX_LINES);
  expect(long).toEqual([]);
});

test('nothing switches the compiler off', () => {
  const marks = /@ts-(?:ignore|nocheck|expect-error)|\b(?:as|:)\s*any\b|:\s*any\b|<any[,>]/;
  const code = (line: string): string => line.replace(/'(?:[^'\\]|\\.)*'|`[^`]*`/g, "''");
  const found = files.flatMap((f) =>
    f.text
      .split('\n')
      .filter((line) => !/^\s*(?:\*|\/\*)/.test(line) && marks.test(code(line)))
      .map((line) => `${f.path}: ${line.trim()}`),
  );
  // `AnyOpDef` alone may stand for every signature.
  expect(found).toEqual(['graph/op-def.ts: export type AnyOpDef = OpDef<any, any, any>;']);
});

test('no names of files key plain objects: no prototype can be reached through them', () => {
  const found = files.filter((f) => /\[(?:value|node|graph|tensor|info|attr)\.name\]\s*=/.test(f.text));
  expect(found.map((f) => f.path)).toEqual([]);
});
