import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ORT_VERSION } from '../../src/node/onnxruntime/package.js';
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

test('the first blocks are one line each: see it work, the tests, and installing', () => {
  const [first, second, third] = blocks('sh');
  expect(first).toBe('npm ci && npm run demo');
  expect(second).toBe('npm ci && npm test');
  expect(third).toBe('npm install cnnx');
});

test('the tour runs', async () => {
  const lines = blocks('sh')
    .slice(3)
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

const DOCS = new URL('../../docs/', import.meta.url);

test('every page of docs is named by the README, and links lead to files that are there', () => {
  const pages = readdirSync(DOCS).filter((file) => file.endsWith('.md'));
  expect(pages.length).toBeGreaterThan(10);
  for (const page of pages) {
    expect(README).toContain(`docs/${page}`);
    const text = readFileSync(new URL(page, DOCS), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
      expect([page, link, existsSync(new URL(link, DOCS))]).toEqual([page, link, true]);
  }
  for (const [, link = ''] of README.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
    expect([link, existsSync(new URL(`../../${link}`, import.meta.url))]).toEqual([link, true]);
});

test('the picture is what the script draws: every network faster, its numbers in words', () => {
  const svg = readFileSync(new URL('latency.svg', DOCS), 'utf8');
  const gains = [...svg.matchAll(/>([\d.]+) x as fast</g)].map(([, gain]) => Number(gain));
  expect(gains.length).toBeGreaterThan(2);
  for (const gain of gains) expect(gain).toBeGreaterThan(1);
});

test('install.md says which onnxruntime is fetched', () => {
  expect(readFileSync(new URL('install.md', DOCS), 'utf8')).toContain(`onnxruntime-node@${ORT_VERSION}`);
});
