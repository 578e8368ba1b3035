import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-batch-'));
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text, { seed: 1 }))));
  write('view.onnx', '(x: float32[1,4,4]) -> (y: float32[1,16])\n y = Reshape(x, s: int64[2] = [1,-1])');
  write('mixes.onnx', '(x: float32[1,4]) -> (y: float32[1,4])\n y = Softmax@sm<axis=0>(x)');
  write('odd.onnx', '(x: float32[1,4]) -> (y: float32[1,4])\n y = my.domain::Odd(x)');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const convert = (...args: string[]): ReturnType<typeof cnnx> => cnnx(['convert', ...args], { cwd: folder });
const written = (name: string): boolean => existsSync(join(folder, name));

test('a batch is proven, then written', async () => {
  const { code, stdout, stderr } = await convert('view.onnx', '-o', 'n.onnx', '--batch', 'N', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^proven: 2 and 3 samples/) });
  expect(JSON.parse(stdout)).toMatchObject({
    proof: { verdict: 'proven', runs: [{ batch: 2 }, { batch: 3 }, { batch: 3, permuted: true }] },
  });
  expect(written('n.onnx')).toBe(true);
});

test('samples that mix: exit code 1, the node named, nothing written', async () => {
  const { code, stderr } = await convert('mixes.onnx', '-o', 'm.onnx', '--batch', '4');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: samples mix in sm/) });
  expect(written('m.onnx')).toBe(false);
});

test('what cannot be run here: exit code 3, nothing written, but with --no-verify', async () => {
  expect(await convert('odd.onnx', '-o', 'o.onnx', '--batch', 'N')).toMatchObject({ code: 3 });
  expect(written('o.onnx')).toBe(false);
  expect(await convert('odd.onnx', '-o', 'o.onnx', '--batch', 'N', '--no-verify')).toMatchObject({ code: 0 });
  expect(written('o.onnx')).toBe(true);
});
