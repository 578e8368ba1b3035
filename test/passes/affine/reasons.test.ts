import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LIFTS } from '../../../src/passes/affine/lifts/index.js';

const here = fileURLToPath(new URL('.', import.meta.url));

function sources(folder: string, ending: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith(ending));
  return files.map((f) => readFileSync(join(folder, f), 'utf8')).join('\n');
}

/** Reasons that a well-formed graph cannot give: they stand where the types want an answer. */
const UNREACHABLE = new Set([
  'in the body of a function',
  'another operator',
  'joins nothing',
  'no input',
  'no output',
  'no weights',
  'not a linear operator',
]);

/** Every string that is skipped with, or returned as a reason. */
function reasons(): readonly string[] {
  const code = sources(join(here, '../../../src/passes/affine'), '.ts').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = new Set<string>();
  for (const [, reason] of code.matchAll(/(?:skip|absent)\(\s*'([^']+)'/g)) if (reason) found.add(reason);
  for (const [statement] of code.matchAll(/return [^;{}]*;/g))
    for (const [, text] of statement.matchAll(/'([^']* [^']*)'/g)) if (text) found.add(text);
  return [...found].filter((r) => !UNREACHABLE.has(r)).sort();
}

const tests = sources(here, '.test.ts');

test.each(reasons())('a test gives the reason: %s', (reason) => {
  expect(tests).toContain(`'${reason}'`);
});

test.each(LIFTS.map((l) => l.name))('a test is about %s', (name) => {
  expect(tests).toMatch(new RegExp(`\\b${name}\\b`));
});
