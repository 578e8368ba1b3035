import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cnnx } from '../support/cli.js';

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await cnnx(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help is a result', async () => {
  const { code, stdout, stderr } = await cnnx(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('Usage: cnnx');
  expect(stderr).toBe('');
});

test('an unknown option is a usage error', async () => {
  const { code, stdout, stderr } = await cnnx(['--frobnicate']);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain('--frobnicate');
  expect(stderr).not.toContain('    at ');
});
