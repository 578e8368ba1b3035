import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import * as core from '../../src/core.js';
import * as node from '../../src/index.js';

/* What `cnnx` and `cnnx/core` export: chosen by hand, name by name, and every name says what it is. */

const src = fileURLToPath(new URL('../../src', import.meta.url));
const entry = (file: string): string => readFileSync(join(src, file), 'utf8');

/** The names in the export lists of an entry, types included, as callers see them. */
const listed = (text: string): string[] =>
  [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((item) => item.trim().replace(/^type /, ''))
      .filter((item) => item !== '')
      .map((item) => item.split(' as ')[0] ?? ''),
  );

/** Every declaration that starts with `export`, by name: whether a docstring stands right above it. */
const documented = new Map<string, boolean>();
for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts')))
  for (const [, doc, name = ''] of readFileSync(join(src, file), 'utf8').matchAll(
    /(\*\/\n(?:\/\/ .*\n)?)?^export (?:async |abstract )*(?:function\*?|const|class|interface|type) (\w+)/gm,
  ))
    documented.set(name, documented.get(name) === true || doc !== undefined);

test('nothing is exported wholesale, but core by index', () => {
  expect(entry('core.ts')).not.toMatch(/export \* from/);
  expect(entry('index.ts').match(/export \* from '.*'/g)).toEqual(["export * from './core.js'"]);
});

test('every public name has a docstring', () => {
  const names = [...listed(entry('core.ts')), ...listed(entry('index.ts'))];
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => documented.get(name) !== true)).toEqual([]);
});

test('what runs models in Node is only in the entry for Node', () => {
  const added = Object.keys(node).filter((name) => !(name in core));
  expect(added).toContain('openModel');
  expect(added).toContain('startRunner');
  expect(Object.keys(core)).not.toContain('openModel');
});
