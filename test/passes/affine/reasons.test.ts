import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LIFTS } from '../../../src/passes/affine/lifts/index.js';
import { reasonsInSources, sources } from '../../support/reasons.js';

const here = fileURLToPath(new URL('.', import.meta.url));

const tests = sources(here, '.test.ts');

test.each(reasonsInSources())('a test gives the reason: %s', (reason) => {
  expect(tests).toContain(`'${reason}'`);
});

test.each(LIFTS.map((l) => l.name))('a test is about %s', (name) => {
  expect(tests).toMatch(new RegExp(`\\b${name}\\b`));
});
