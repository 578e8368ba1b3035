import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cnnx, MAIN } from '../support/cli.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-package-'));
  await cnnx(['build', 'mnist_plain', '--init', 'golden', '--batch', 'N', '-o', 'net.onnx'], { cwd: folder });
  if (!existsSync(join(folder, 'net.onnx')))
    await cnnx(['build', 'acnet', '--init', 'golden', '--batch', 'N', '-o', 'net.onnx'], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => cnnx(args, { cwd: folder });

/** A server, its address, and how to end it. */
async function served(...args: string[]): Promise<{ url: string; end: () => Promise<number | null> }> {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args, '--port', '0', '--quiet', '--provider', 'cpu'], {
    cwd: folder,
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /http:\S+/.exec(text)?.[0];
      if (found) resolve(found);
    });
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const end = (): Promise<number | null> =>
    new Promise((resolve) => {
      child.removeAllListeners('exit');
      child.on('exit', (code) => resolve(code));
      child.kill('SIGTERM');
    });
  return { url, end };
}

test('package, check the folder, serve it, check the server; another model is found out', async () => {
  const made = await run('package', 'net.onnx', '--for', 'triton', '-o', 'repository', '--json');
  expect(made.code).toBe(0);
  expect(JSON.parse(made.stdout)).toMatchObject({ schemaVersion: 1, target: 'triton', maxBatch: 8 });
  expect((await run('package', 'repository', '--check')).code).toBe(0);
  const right = await served('net=repository/net/1/model.onnx', '--max-batch', '8');
  const match = await run('check', right.url, '--package', 'repository', '--runs', '3', '--json');
  expect(JSON.parse(match.stdout)).toMatchObject({ verdict: 'match', runs: 3 });
  expect(match.code).toBe(0);
  expect(await right.end()).toBe(143);

  await run('build', 'acnet', '--init', 'original', '--seed', '5', '--batch', 'N', '-o', 'other.onnx');
  const wrong = await served('net=other.onnx');
  const mismatch = await run('check', wrong.url, '--package', 'repository', '--runs', '1');
  expect(mismatch.code).toBe(1);
  expect(mismatch.stdout).toMatch(/differs by/);
  await wrong.end();
  expect((await run('check', wrong.url, '--package', 'repository', '--runs', '1')).code).toBe(3);
}, 120_000);

test('a repository that was changed is found out, and a folder with something in it is not written to', async () => {
  await run('package', 'net.onnx', '--for', 'triton', '-o', 'spoiled', '--name', 'net');
  const config = join(folder, 'spoiled/net/config.pbtxt');
  writeFileSync(config, readFileSync(config, 'utf8').replace('TYPE_FP32', 'TYPE_FP16'));
  const { code, stdout } = await run('package', 'spoiled', '--check');
  expect(code).toBe(1);
  expect(stdout).toMatch(/TYPE_FP16, and the model's TYPE_FP32/);
  const again = await run('package', 'net.onnx', '--for', 'triton', '-o', 'spoiled');
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/is not empty/);
});

test('weights beside the model go into a folder, as Triton reads them', async () => {
  await run('convert', 'net.onnx', '-o', 'side.onnx', '--external-data');
  const made = await run('package', 'side.onnx', '--for', 'triton', '-o', 'withside', '--name', 'net');
  expect(made.code).toBe(0);
  expect(existsSync(join(folder, 'withside/net/1/model.onnx/model.onnx'))).toBe(true);
  const check = await run('package', 'withside', '--check');
  expect({ code: check.code, text: check.stdout }).toEqual({ code: 0, text: '1 models, nothing found\n' });
});
