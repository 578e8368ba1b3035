import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CodeCache } from '../../src/cli/code-cache.js';
import { type CliResult, cnnx, MAIN } from '../support/cli.js';

const root = mkdtempSync(join(tmpdir(), 'cnnx-code-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderWith(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

const PROGRAM = {
  'program.cjs': `
    const other = require('./other.cjs');
    const path = require('node:path');
    exports.name = path.basename(__filename) + ' in ' + path.basename(__dirname);
    exports.twice = (n) => other.double(n) + other.loads();`,
  'other.cjs': `
    globalThis.codeCacheLoads = (globalThis.codeCacheLoads ?? 0) + 1;
    exports.double = (n) => 2 * n;
    exports.loads = () => globalThis.codeCacheLoads;
    exports.back = require('./program.cjs');`,
};

interface Program {
  readonly name: string;
  readonly twice: (n: number) => number;
}

test('files run once, with their own names, circles among them', () => {
  const cache = new CodeCache(folderWith('plain', PROGRAM), join(root, 'plain-code'));
  const program = cache.load('program.cjs') as Program;
  expect(program.name).toBe('program.cjs in plain');
  expect(program.twice(21)).toBe(43);
  expect(cache.load('program.cjs')).toBe(program);
  expect(program.twice(21)).toBe(43);
  expect(existsSync(join(root, 'plain-code'))).toBe(false);
});

test('what was cached is taken, and not written again; a file that changed is compiled', () => {
  const folder = folderWith('kept', PROGRAM);
  const code = join(root, 'kept-code');
  const keeping = (): Program => {
    const cache = new CodeCache(folder, code);
    const program = cache.load('program.cjs') as Program;
    cache.keep();
    return program;
  };
  keeping();
  const files = readdirSync(code);
  expect(files.map((f) => f.replace(/-.*/, '')).sort()).toEqual(['other.cjs', 'program.cjs']);
  const before = files.map((f) => readFileSync(join(code, f)));
  expect(keeping().name).toBe('program.cjs in kept');
  expect(readdirSync(code).map((f) => readFileSync(join(code, f)))).toEqual(before);

  // As long as before, so that V8 itself would take the old code.
  writeFileSync(join(folder, 'other.cjs'), PROGRAM['other.cjs'].replace('2 * n', '9 * n'));
  expect(keeping().twice(100)).toBeGreaterThan(900);
});

test('a folder that cannot be written changes nothing', () => {
  const folder = folderWith('unwritable', PROGRAM);
  const cache = new CodeCache(folder, join(folder, 'other.cjs', 'code'));
  expect((cache.load('program.cjs') as Program).name).toBe('program.cjs in unwritable');
  expect(() => cache.keep()).not.toThrow();
});

const nodeCachesItself = Number(process.versions.node.split('.')[0]) >= 22;

// Reason: from 22.1 on Node keeps compiled code itself, and this one is not used.
test.skipIf(nodeCachesItself)(
  'the command line keeps code at its first run, does without it, and with a damaged one',
  async () => {
    const home = join(root, 'home');
    const list = (): Promise<CliResult> => cnnx(['list', 'resnet'], { env: { XDG_CACHE_HOME: home } });
    const expected = await list();
    expect(expected.stdout).toContain('resnet50');
    const [version = ''] = readdirSync(join(home, 'cnnx', 'code'));
    expect(version).toMatch(/^\d+\.\d+\.\d+-v\d+\.\d+\.\d+$/);
    const code = join(home, 'cnnx', 'code', version, 'list');
    const [path = ''] = readdirSync(code)
      .filter((f) => f.startsWith('program.cjs'))
      .map((f) => join(code, f));
    const whole = readFileSync(path);
    expect(await list()).toEqual(expected);
    for (const damaged of [
      whole.subarray(0, whole.length - 8),
      whole.subarray(0, 16),
      Buffer.alloc(0),
      Buffer.alloc(100),
    ]) {
      writeFileSync(path, damaged);
      expect(await list()).toEqual(expected);
      // And mended.
      expect(readFileSync(path).length).toBeGreaterThan(1000);
    }
    expect((await cnnx(['nonsense'], { env: { XDG_CACHE_HOME: home } })).code).toBe(2);
    expect(readdirSync(join(code, '..'))).toEqual(['list']);
  },
);

test('the bundle runs wherever it is put', async () => {
  const copy = join(root, 'elsewhere', 'dist', 'bundle', 'cli');
  cpSync(dirname(MAIN), copy, { recursive: true });
  cpSync(join(dirname(MAIN), '..', '..', '..', 'package.json'), join(root, 'elsewhere', 'package.json'));
  expect(await cnnx(['list', 'resnet'], { main: join(copy, 'main.cjs') })).toEqual(await cnnx(['list', 'resnet']));
});
