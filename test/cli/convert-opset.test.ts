import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'cnnx-opset-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });
const write = (name: string, text: string): void =>
  writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text))));
const opsetOf = (name: string): number | undefined => readOnnx(readFileSync(join(folder, name))).opset('');

test('a model in another opset, compared with what it was', async () => {
  write('m.onnx', '(x: float32[2,3,1]) -> (y)\n s = Squeeze(x, a: int64[1] = [2])\n y = Softmax<axis=0>(s)');
  const { code, stdout } = await run('convert', 'm.onnx', '--opset', '11', '-o', 'm11.onnx');
  expect(stdout).toMatch(/opset 17 to 11, IR version 6/);
  expect(stdout).toMatch(/Squeeze 13: axes became an input \(1 node\)/);
  expect(stdout).toMatch(/match/);
  expect(code).toBe(0);
  expect(opsetOf('m11.onnx')).toBe(11);
  const json = await run('convert', 'm11.onnx', '--opset', '13', '--no-verify', '--json', '-o', 'm13.onnx');
  expect(JSON.parse(json.stdout)).toMatchObject({
    opset: { from: 11, to: 13, irVersion: 7, applied: { 'Squeeze 13: axes became an input': 1 } },
  });
});

test('what has no exact form there is named, and nothing is written', async () => {
  write('t.onnx', '(x: float32[2,3]) -> (y)\n y = Trilu@cut(x)');
  const { code, stderr } = await run('convert', 't.onnx', '--opset', '9', '-o', 't9.onnx');
  expect(code).toBe(2);
  expect(stderr).toMatch(/Trilu cut: Trilu came with opset 14/);
  expect(existsSync(join(folder, 't9.onnx'))).toBe(false);
  expect((await run('convert', 't.onnx', '--opset', '3', '-o', 't9.onnx')).code).toBe(2);
});
