import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-bench-'));
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text))));
  write('open.onnx', '(x: float32[N,3,H,W]) -> (y)\n y = Relu(x)');
  write('like.onnx', '(image: float32[M,3,h,w]) -> (z)\n z = Neg(image)');
  write('small.onnx', '(x: float32[2,3,8,8]) -> (y)\n y = Relu(x)');
  write('integers.onnx', '(x: int32[N,3,H,W]) -> (y)\n y = Neg(x)');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bench = (...args: string[]): ReturnType<typeof cnnx> =>
  cnnx(['bench', ...args, '--runs', '2', '--provider', 'cpu', '--threads', '1'], { cwd: folder });

interface Report {
  readonly reports: readonly { readonly chosen: readonly { readonly name?: string; readonly size: number }[] }[];
}

test('sizes that were chosen are said, and those that were given are not', async () => {
  const { stdout } = await bench('open.onnx', 'like.onnx');
  expect(stdout).toContain('left open by the model and chosen here: N = 2, H = 64, W = 64');
  const chosen = async (...args: string[]): Promise<unknown> =>
    (JSON.parse((await bench('open.onnx', '--json', ...args)).stdout) as Report).reports[0]?.chosen.map((c) => [
      c.name,
      c.size,
    ]);
  expect(await chosen()).toEqual([
    ['N', 2],
    ['H', 64],
    ['W', 64],
  ]);
  expect(await chosen('--dim', 'H=32', '--batch', '4')).toEqual([['W', 64]]);
  expect(await chosen('--shape', 'x=1,3,8,8')).toEqual([]);
  expect((await bench('small.onnx')).stdout).not.toContain('chosen here');
});

test('no ratio compares models with unlike inputs', async () => {
  for (const [other, words] of [
    ['small.onnx', 'open.onnx takes float32[2,3,64,64] and small.onnx takes float32[2,3,8,8]'],
    ['integers.onnx', 'integers.onnx takes int32[2,3,64,64]'],
  ] as const) {
    const { code, stdout, stderr } = await bench('open.onnx', other);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).toContain('code: bench/inputs');
  }
  expect((await bench('open.onnx', 'small.onnx', '--shape', 'x=2,3,8,8')).code).toBe(0);
});

test('auto is quiet, and tries what failed once; --verbose and doctor tell', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'home'), VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '' };
  const auto = (...args: string[]): ReturnType<typeof cnnx> =>
    cnnx(['bench', 'small.onnx', '--runs', '2', ...args, '--json'], { cwd: folder, env });
  const first = await auto();
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
  const passedOver = (stdout: string): readonly object[] => (JSON.parse(stdout) as { passedOver: object[] }).passedOver;
  const second = await auto('--verbose');
  expect(passedOver(second.stdout)).toEqual(passedOver(first.stdout));
  // A machine with a GPU passes over nothing.
  const lines = second.stderr.split('\n').filter((line) => /^(cuda|webgpu): /.test(line));
  expect(lines).toHaveLength(passedOver(first.stdout).length);
  const { stdout } = await cnnx(['doctor'], { env });
  if (lines.length > 0) expect(stdout).toMatch(/^cuda +\w/m);
});

test('a file that cannot be read is told before providers are tried', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'fresh') };
  const { code } = await cnnx(['bench', 'absent.onnx'], { cwd: folder, env });
  expect(code).toBe(4);
  const { stdout } = await cnnx(['bench', 'small.onnx', '--runs', '2', '--json'], { cwd: folder, env });
  const [probe] = (JSON.parse(stdout) as { passedOver: { milliseconds: number }[] }).passedOver;
  if (probe) expect(probe.milliseconds).toBeGreaterThan(0);
});
