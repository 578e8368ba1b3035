import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx, MAIN } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-inputs-'));
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text, { seed: 1 }))));
  write('open.onnx', '(x: float32[N,4]) -> (y: float32[N,4])\n a = Identity(x)\n y = Relu(a)');
  write('huge.onnx', '(x: float32[16,32,1280,1280]) -> (y: float32[16,32,1280,1280])\n y = Relu(x)');
  write('renamed.onnx', '(x: float32[N,4]) -> (z: float32[N,4])\n z = Relu(x)');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['verify', ['open.onnx', 'open.onnx']],
  ['fuse', ['open.onnx', '-o', 'out.onnx']],
  ['inspect', ['open.onnx']],
  ['bench', ['open.onnx', '--runs', '1']],
])('%s with a dimension that no input has: exit code 2, and those that there are', async (command, args) => {
  const { code, stderr } = await cnnx([command, ...args, '--dim', 'Q=3'], { cwd: folder });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/no input has a dimension named Q[\s\S]*there are: N/),
  });
});

test('fuse compares on the sizes that it is given', async () => {
  const { code, stdout } = await cnnx(['fuse', 'open.onnx', '-o', 'out.onnx', '--dim', 'N=5', '--json'], {
    cwd: folder,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    models: [{ check: { verdict: 'match', inputs: [{ shape: [5, 4] }] } }],
  });
});

test('verify --map', async () => {
  const { code, stdout } = await cnnx(['verify', 'open.onnx', 'renamed.onnx', '--map', 'y=z', '--json'], {
    cwd: folder,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'match', warnings: [] });
});

test('a signal ends the drawing of a huge input at once', async () => {
  const child = spawn(process.execPath, [MAIN, 'verify', 'huge.onnx', 'huge.onnx'], { cwd: folder, stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 2500));
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)));
  child.kill('SIGTERM');
  const late = new Promise<string>((done) => setTimeout(() => done('still running'), 3000));
  expect(await Promise.race([ended, late])).toBe(143);
});
