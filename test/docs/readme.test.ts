import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cnnx, MAIN } from '../support/cli.js';

/* What README shows is run: the tour line by line in an empty folder, and the example of the library. */

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const blocks = (language: string): string[] =>
  [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, l, text]) =>
    l === language && text ? [text.trim()] : [],
  );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-readme-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the first two blocks are one line each: see it work, then the tests', () => {
  const [first, second] = blocks('sh');
  expect(first).toBe('npm ci && npm run demo');
  expect(second).toBe('npm ci && npm test');
});

test('the tour runs', async () => {
  const lines = blocks('sh')
    .slice(2)
    .flatMap((block) => block.split('\n'));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const [npx, command, ...args] = line.split(' ');
    expect([npx, command]).toEqual(['npx', 'cnnx']);
    const { code, stderr } = await cnnx(args, { cwd: folder });
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
  }
});

test('the example of the library runs', () => {
  const [example = ''] = blocks('ts');
  const index = pathToFileURL(join(MAIN, '../../../src/index.js')).href;
  writeFileSync(
    join(folder, 'example.mjs'),
    `${example.replace("'cnnx'", JSON.stringify(index))}\nconsole.log(report.verdict);`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'match\n', stderr: '' });
});

test('--help names every command of the README', async () => {
  const { stdout } = await cnnx(['--help']);
  const commands = [...README.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name ?? '');
  expect(commands.length).toBeGreaterThan(5);
  for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
});
