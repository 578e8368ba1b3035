import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { corpus, describeShared, shared, sharedBytes } from './shared.js';

const thrownBy = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing';
};

const TESTS = fileURLToPath(new URL('..', import.meta.url));
/** Collection is now. */
const atCollection = [() => shared('reference'), () => sharedBytes('corpus/README.md'), corpus].map(thrownBy);

test('../shared is not read while tests are collected: the helper refuses, and nothing else names the folder', () => {
  expect(atCollection).toHaveLength(3);
  for (const message of atCollection) expect(message).toMatch(/^shared\('.*'\) at collection/);
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((f) => /\.[cm]?[jt]s$/.test(f));
  expect(files.length).toBeGreaterThan(100);
  const naming = files.filter((file) =>
    /\.\.(\/|', ')shared\b(?!\.)/.test(codeOf(readFileSync(join(TESTS, file), 'utf8'))),
  );
  expect(naming.sort()).toEqual([join('support', 'shared.test.ts'), join('support', 'shared.ts')]);
});

/** A program without its comments, which may speak of the folder; imports of shared.js are no reads of it. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').replaceAll(/from '[^']*'/g, '');

describeShared('the conformance corpus', () => {
  test('has its 1,539 models, and data for 1,224', () => {
    const models = corpus();
    expect(models).toHaveLength(1539);
    expect(models.filter((m) => !existsSync(m.path))).toEqual([]);
    expect(models.filter((m) => m.dataSets.length > 0)).toHaveLength(1224);
  });
});
