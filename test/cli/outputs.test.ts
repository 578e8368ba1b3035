import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx, MAIN } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-outputs-'));
  for (const place of ['.', 'a', 'b']) {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(
      join(folder, place, 'm.onnx'),
      concat(writeOnnx(parseGraph('(x: float32[2,3]) -> (y)\n t = Identity(x)\n y = Relu(t)'))),
    );
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });

/** What writes to standard output: a report, a table, JSON, a model. */
const WRITERS = [
  ['verify', 'm.onnx', 'm.onnx'],
  ['list'],
  ['list', '--json'],
  ['inspect', 'm.onnx', '--json'],
  ['inspect', 'm.onnx'],
  ['fuse', 'm.onnx', '--no-verify', '-o', '-'],
  ['build', 'acnet', '-o', '-'],
  ['convert', 'm.onnx', '-o', '-'],
  ['--help'],
];

describe.skipIf(!existsSync('/dev/full'))('standard output on a full disk', () => {
  test.each(WRITERS)('%s %s %s %s: exit code 4, one line, no trace', (...args) => {
    const full = openSync('/dev/full', 'w');
    const result = spawnSync(process.execPath, [MAIN, ...args.filter((a) => a !== undefined)], {
      cwd: folder,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    expect(result.status).toBe(4);
    expect(result.stderr.split('\n').filter((line) => line.startsWith('error: '))).toEqual([
      'error: cannot write standard output: no space left on the device',
    ]);
    expect(result.stderr).not.toMatch(/^ {4}at /m);
  });
});

test.each(WRITERS)('%s %s %s %s to a reader that went away: exit code 0, silence', async (...args) => {
  const child = spawn(process.execPath, [MAIN, ...args.filter((a) => a !== undefined)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise((done) => child.on('close', done));
  // A report of what was written beside the model comes on standard error.
  expect({
    code,
    stderr: stderr.replace(/^(standard output|m\.onnx|written|[\d,]+ |.* -> |not verified).*\n/gm, ''),
  }).toEqual({
    code: 0,
    stderr: expect.not.stringMatching(/error|bug|^ {4}at /m) as string,
  });
});

/** A terminal, from util-linux. */
const terminal = spawnSync('script', ['--version']).status === 0;

test.skipIf(!terminal).each(['fuse m.onnx --no-verify -o -', 'build acnet -o -', 'convert m.onnx -o -'])(
  '%s: no model goes to a terminal',
  (line) => {
    const { status, stdout } = spawnSync('script', ['-qec', `${process.execPath} ${MAIN} ${line}`, '/dev/null'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    expect({ status, stdout }).toEqual({
      status: 2,
      stdout: expect.stringMatching(/error: standard output is a terminal, and a model is binary/) as string,
    });
  },
);

describe('fuse writes where it was asked to', () => {
  test('two files of one name into one folder: refused before any work', async () => {
    const { code, stderr } = await run('fuse', 'a/m.onnx', 'b/m.onnx', '--out-dir', 'both');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: a\/m\.onnx and b\/m\.onnx would both become both\/m\.fused\.onnx$/m);
    expect(existsSync(join(folder, 'both'))).toBe(false);
    expect((await run('fuse', 'm.onnx', './m.onnx')).code).toBe(2);
    expect(readdirSync(folder)).not.toContain('m.fused.onnx');
    expect((await run('fuse', 'a/m.onnx', 'b/m.onnx')).code).toBe(0);
    expect(existsSync(join(folder, 'a', 'm.fused.onnx')) && existsSync(join(folder, 'b', 'm.fused.onnx'))).toBe(true);
  });

  test('a folder that is not there is made, as by run --save', async () => {
    expect((await run('fuse', 'm.onnx', '--out-dir', 'new/place')).code).toBe(0);
    expect(readdirSync(join(folder, 'new', 'place'))).toEqual(['m.fused.onnx']);
  });

  test('--out and --out-dir together: refused', async () => {
    const { code, stderr } = await run('fuse', 'm.onnx', '--out-dir', 'other', '-o', 'y.onnx');
    expect({ code, made: existsSync(join(folder, 'other')) || existsSync(join(folder, 'y.onnx')) }).toEqual({
      code: 2,
      made: false,
    });
    expect(stderr).toContain('--out and --out-dir');
  });
});
