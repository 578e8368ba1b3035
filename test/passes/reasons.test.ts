import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REASONS } from '../../src/passes/reasons.js';

const FOLDER = join(import.meta.dirname, '../../src/passes');
const code = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'reasons.ts')
  .map((file) => readFileSync(join(FOLDER, file), 'utf8'))
  .join('\n');

test('every reason in the table is given somewhere', () => {
  const unused = Object.keys(REASONS).filter((key) => !code.includes(`'${key}'`));
  expect(unused).toEqual([]);
});

test('no two reasons read the same, and each is a sentence without its full stop', () => {
  const sentences = Object.values(REASONS);
  expect(new Set(sentences).size).toBe(sentences.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^\S+( \S+){2,}(?<!\.)$/);
});
