import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RULES } from '../../../src/passes/rules/index.js';

const FOLDER = join(import.meta.dirname, '../../../src/passes/rules');
const files = readdirSync(FOLDER).filter((f) => f !== 'index.ts');

test('every rule is in the list, which is sorted', () => {
  const names = RULES.map((r) => r.name);
  expect(names).toEqual(files.map((f) => f.replace(/\.ts$/, '')).sort());
  expect(names).toEqual([...names].sort());
});

test.each(files)('%s: every reason for leaving a place alone has a row in its test', (file) => {
  const source = readFileSync(join(FOLDER, file), 'utf8');
  const rows = readFileSync(join(import.meta.dirname, file.replace(/\.ts$/, '.test.ts')), 'utf8');
  const calls = source.match(/\b(skip|notApplicable)\(/g) ?? [];
  const reasons = Array.from(source.matchAll(/\b(?:skip|notApplicable)\(\s*'([^']+)',?\s*\)/g), (m) => m[1]);
  expect(reasons).toHaveLength(calls.length);
  expect(reasons.filter((r) => !rows.includes(`'${r}'`))).toEqual([]);
});

test.each(files)('%s: under 60 lines', (file) => {
  expect(readFileSync(join(FOLDER, file), 'utf8').split('\n').length).toBeLessThan(62);
});
