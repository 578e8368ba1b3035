import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'cnnx-surgery-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });
const read = (name: string): ReturnType<typeof readOnnx> => readOnnx(readFileSync(join(folder, name)));

writeFileSync(
  join(folder, 'm.onnx'),
  concat(
    writeOnnx(
      parseGraph(`(x: float32[1,3,8,8]) -> (y)
      a = Conv@first(x, w: float32[4,3,3,3])
      b = Relu@relu(a)
      y = Conv@second(b, v: float32[4,4,3,3])`),
    ),
  ),
);

test('a model is cut, renamed and joined, each step run against the whole', async () => {
  const head = await run('cut', 'm.onnx', '--to', 'b', '-o', 'head.onnx');
  expect([head.code, head.stdout]).toEqual([
    0,
    '2 nodes, from x to b\nequal, bit for bit, on 2 random inputs\nwritten: head.onnx\n',
  ]);
  const tail = await run('cut', 'm.onnx', '--from', 'b', '-o', 'tail.onnx', '--json');
  expect(JSON.parse(tail.stdout)).toMatchObject({
    inputs: ['b'],
    outputs: ['y'],
    nodes: 1,
    proof: { verdict: 'equal' },
  });
  const named = await run(
    'rename',
    'tail.onnx',
    '--input',
    'b=features',
    '--initializer',
    '*=head.*',
    '-o',
    'named.onnx',
  );
  expect([named.code, named.stderr]).toEqual([0, '2 renamed\n']);
  expect(named.stdout).toMatch(/equal, bit for bit/);
  expect([...read('named.onnx').graph.values.keys()].sort()).toEqual(['features', 'head.v', 'y']);
  const whole = await run('join', 'head.onnx', 'named.onnx', '--map', 'b=features', '-o', 'whole.onnx');
  expect([whole.code, whole.stdout]).toEqual([
    0,
    '3 nodes, from x to y\nequal, bit for bit, on 2 random inputs\nwritten: whole.onnx\n',
  ]);
  expect((await run('verify', 'm.onnx', 'whole.onnx')).code).toBe(0);
});

test('convert: inner values as outputs, and nothing that a runtime does not need', async () => {
  const { code, stdout } = await run('convert', 'm.onnx', '--expose', 'b', '--strip', '--dedupe', '-o', 's.onnx');
  expect(code).toBe(0);
  expect(stdout).toMatch(/outputs too: b/);
  expect(read('s.onnx').graph.outputs.map((v) => v.name)).toEqual(['y', 'b']);
});

test('what is not there is named, and nothing is written', async () => {
  const cut = await run('cut', 'm.onnx', '--to', 'bb', '-o', 'none.onnx');
  expect(cut.code).toBe(2);
  expect(cut.stderr).toMatch(/no value named bb/);
  expect((await run('rename', 'm.onnx', '--node', 'first', '-o', 'none.onnx')).code).toBe(2);
  expect((await run('join', 'm.onnx', 'm.onnx', '-o', 'none.onnx')).code).toBe(2);
  expect(existsSync(join(folder, 'none.onnx'))).toBe(false);
});
