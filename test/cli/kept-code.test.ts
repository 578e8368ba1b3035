import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { KeptCode } from '../../src/cli/kept-code.js';
import { type CliResult, cnnx, MAIN } from '../support/cli.js';

const root = mkdtempSync(join(tmpdir(), 'cnnx-kept-'));
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
    globalThis.keptCodeLoads = (globalThis.keptCodeLoads ?? 0) + 1;
    exports.double = (n) => 2 * n;
    exports.loads = () => globalThis.keptCodeLoads;
    exports.back = require('./program.cjs');`,
};

interface Program {
  readonly name: string;
  readonly twice: (n: number) => number;
}

test('files run once, with their own names, circles among them', () => {
  const folder = folderWith('plain', PROGRAM);
  const code = new KeptCode(folder);
  expect(code.fits('program.cjs')).toBe(false);
  const program = code.load('program.cjs') as Program;
  expect(program.name).toBe('program.cjs in plain');
  expect(program.twice(21)).toBe(43);
  expect(code.load('program.cjs')).toBe(program);
  expect(program.twice(21)).toBe(43);
});

test('what was kept is taken where it fits; a file that changed is compiled', () => {
  const folder = folderWith('kept', PROGRAM);
  const first = new KeptCode(folder);
  first.load('program.cjs');
  first.keep();
  expect(readdirSync(folder).sort()).toEqual(['other.cjs', 'other.cjs.v8', 'program.cjs', 'program.cjs.v8']);
  const again = new KeptCode(folder);
  expect(again.fits('program.cjs')).toBe(true);
  expect((again.load('program.cjs') as Program).name).toBe('program.cjs in kept');

  writeFileSync(join(folder, 'other.cjs'), PROGRAM['other.cjs'].replace('2 * n', '100 * n'));
  const changed = new KeptCode(folder);
  expect(changed.fits('other.cjs')).toBe(false);
  expect((changed.load('program.cjs') as Program).twice(1)).toBeGreaterThan(100);
});

test('the command line was built with kept code that this Node takes, and does without it, or with a damaged one', async () => {
  const bundle = dirname(MAIN);
  const kept = new KeptCode(bundle);
  const unfit = readdirSync(bundle).filter((file) => existsKept(file) && !kept.fits(file));
  expect(unfit).toEqual([]);
  expect(existsKept('program.cjs')).toBe(true);

  const copy = join(root, 'dist', 'bundle', 'cli');
  cpSync(bundle, copy, { recursive: true });
  cpSync(join(bundle, '..', '..', '..', 'package.json'), join(root, 'package.json'));
  const list = (): Promise<CliResult> => cnnx(['list', 'resnet'], { main: join(copy, 'main.cjs') });
  const expected = await list();
  expect(expected.stdout).toContain('resnet50');
  const path = join(copy, 'program.cjs.v8');
  const whole = readFileSync(path);
  for (const damaged of [
    whole.subarray(0, whole.length - 8),
    whole.subarray(0, 16),
    Buffer.alloc(0),
    Buffer.alloc(100),
  ]) {
    writeFileSync(path, damaged);
    expect(await list()).toEqual(expected);
  }
  for (const file of readdirSync(copy)) if (file.endsWith('.v8')) rmSync(join(copy, file));
  expect(await list()).toEqual(expected);
});

const existsKept = (file: string): boolean => readdirSync(dirname(MAIN)).includes(`${file}.v8`);
