import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

const built = mkdtempSync(join(tmpdir(), 'cnnx-fuse-'));
let dir = '';
beforeAll(async () => {
  const result = await cnnx(['build', 'acnet', '--init', 'golden', '-o', 'acnet.onnx'], { cwd: built });
  expect(result).toMatchObject({ code: 0 });
});
beforeEach(() => {
  dir = mkdtempSync(join(built, 'case-'));
  copyFileSync(join(built, 'acnet.onnx'), join(dir, 'acnet.onnx'));
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

const hash = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(dir, name)))
    .digest('hex');

/** Operators of a file, counted by an independent reader. */
function operators(name: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of onnx.ModelProto.decode(readFileSync(join(dir, name))).graph?.node ?? [])
    counts[node.opType ?? ''] = (counts[node.opType ?? ''] ?? 0) + 1;
  return counts;
}

test('acnet: four convolutions and three products are left, the outputs match, the input file is as it was', async () => {
  const before = hash('acnet.onnx');
  const { code, stdout, stderr } = await cnnx(['fuse', 'acnet.onnx'], { cwd: dir });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/BatchNormalization +6 +0/);
  // The golden of the merged network: 20,162,048 MACs, and 1,941,354 parameters with the 2,432 of the BatchNormalizations that are gone here.
  // As many before as `inspect` and `build` say.
  expect(stdout).toMatch(/MACs +32,354,816 +20,162,048/);
  expect(stdout).toMatch(/parameters +1,984,938 +1,938,922/);
  expect(stdout).toMatch(/buffers +2,432 +0/);
  expect(stdout).toContain('match');
  expect(operators('acnet.fused.onnx')).toMatchObject({ Conv: 4, Gemm: 3 });
  expect(operators('acnet.fused.onnx')).not.toHaveProperty('BatchNormalization');
  expect(hash('acnet.onnx')).toBe(before);
  expect(readdirSync(dir).sort()).toEqual(['acnet.fused.onnx', 'acnet.onnx']);
});

test('the report as JSON', async () => {
  const { stdout } = await cnnx(['fuse', 'acnet.onnx', '--json', '--explain'], { cwd: dir });
  expect(JSON.parse(stdout)).toMatchObject({
    models: [
      {
        file: 'acnet.onnx',
        out: 'acnet.fused.onnx',
        report: { after: { Conv: 4, Gemm: 3 }, left: [] },
        check: { verdict: 'match' },
      },
    ],
  });
});

test('a lift that is left out leaves its operator', async () => {
  await cnnx(['fuse', 'acnet.onnx', '--no-verify', '--skip', 'BatchNormalization', '-o', 'o.onnx'], { cwd: dir });
  expect(operators('o.onnx')).toMatchObject({ Conv: 4, BatchNormalization: 6, Gemm: 3 });
});

test('through pipes', async () => {
  const input = readFileSync(join(dir, 'acnet.onnx'));
  const { code } = await cnnx(['fuse', '-', '-o', 'piped.onnx'], { cwd: dir, input });
  expect(code).toBe(0);
  await cnnx(['fuse', 'acnet.onnx', '--no-verify', '-o', 'file.onnx'], { cwd: dir });
  expect(hash('piped.onnx')).toBe(hash('file.onnx'));
});

test('--list names lifts and rules', async () => {
  const { stdout } = await cnnx(['fuse', '--list', '--json']);
  const names = (JSON.parse(stdout) as { passes: { name: string }[] }).passes.map((p) => p.name);
  expect(names).toEqual(expect.arrayContaining(['BatchNormalization', 'Conv', 'dead-code']));
});

test('of several models all are tried, and the highest code wins', async () => {
  writeFileSync(join(dir, 'bad.onnx'), '<!DOCTYPE html><html></html>');
  const { code, stderr } = await cnnx(['fuse', 'bad.onnx', 'acnet.onnx', '--no-verify', '--out-dir', dir], {
    cwd: dir,
  });
  expect(code).toBe(2);
  expect(stderr).toContain('bad.onnx');
  expect(existsSync(join(dir, 'acnet.fused.onnx'))).toBe(true);
  expect(existsSync(join(dir, 'bad.fused.onnx'))).toBe(false);
});

test.each([
  ['an unknown preference', ['acnet.onnx', '--prefer', 'beauty'], 2, 'speed, size, macs'],
  ['an unknown rule', ['acnet.onnx', '--skip', 'BatchNormalisation'], 2, 'BatchNormalization'],
  ['no model', [], 2, 'no model'],
  ['one output for two models', ['acnet.onnx', 'acnet.onnx', '-o', 'x.onnx'], 2, '--out-dir'],
  ['a file that is not there', ['nothing.onnx'], 4, 'nothing.onnx'],
  ['its own input as output', ['acnet.onnx', '-o', 'acnet.onnx'], 2, 'acnet.onnx'],
  ['a folder that is not there', ['acnet.onnx', '-o', 'no/where.onnx'], 4, 'where.onnx'],
] as const)('%s: says so, and leaves nothing behind', async (_, args, code, text) => {
  const before = hash('acnet.onnx');
  const result = await cnnx(['fuse', ...args], { cwd: dir });
  expect(result.code).toBe(code);
  expect(result.stderr).toContain(text);
  expect(result.stderr).not.toMatch(/^ +at \w/m);
  expect(readdirSync(dir)).toEqual(['acnet.onnx']);
  expect(hash('acnet.onnx')).toBe(before);
});

const write = (name: string, text: string): void => {
  writeFileSync(join(dir, name), concat(writeOnnx(parseGraph(text))));
};

test('initializers that callers may override are counted, and the option is named that makes them constants', async () => {
  const text = `<ir: 9> (x: float32[1,3,8,8], w: float32[4,3,3,3] = ..., s: float32[4,1,1] = ...) -> (y)
    t = Conv(x, w)\n y = Mul(t, s)`;
  write('m.onnx', text);
  const { stdout } = await cnnx(['fuse', 'm.onnx', '-o', 'f.onnx'], { cwd: dir });
  expect(stdout).toContain('note: 2 initializers are inputs too, which callers may override');
  expect(stdout).toContain('--freeze-initializers');
  expect(operators('f.onnx')).toEqual({ Conv: 1, Mul: 1 });
  const frozen = await cnnx(['fuse', 'm.onnx', '--freeze-initializers', '-o', 'f.onnx'], { cwd: dir });
  expect(frozen.stdout).not.toContain('note:');
  expect(operators('f.onnx')).toEqual({ Conv: 1 });
  // Below IR version 4 they are constants.
  write('old.onnx', text.replace('ir: 9', 'ir: 3'));
  expect((await cnnx(['fuse', 'old.onnx', '-o', 'f.onnx'], { cwd: dir })).stdout).not.toContain('note:');
});

test('what onnxruntime supplies without being told is noted, and accepted', async () => {
  write('m.onnx', '(x: float32[1,4]) -> (y, y)\n t = com.microsoft::FastGelu(x)\n y = Identity(t)');
  const { code, stdout } = await cnnx(['fuse', 'm.onnx', '-o', 'f.onnx'], { cwd: dir });
  expect(code).toBe(0);
  expect(stdout).toContain('note: the model does not import com.microsoft, which FastGelu that makes t needs');
  expect((await cnnx(['verify', 'm.onnx', 'f.onnx'], { cwd: dir })).code).toBe(0);
  expect((await cnnx(['verify', 'm.onnx', 'm.onnx'], { cwd: dir })).code).toBe(0);
});

test('a bias of another length than there are output channels is a fault of the file', async () => {
  write('m.onnx', '(x: float32[1,3,8,8]) -> (y)\n y = Conv@c(x, w: float32[8,3,1,1], b: float32[1])');
  const { code, stderr } = await cnnx(['fuse', 'm.onnx', '-o', 'f.onnx'], { cwd: dir });
  expect(code).toBe(2);
  expect(stderr).toContain('c: output channels, and numbers of the bias: 8 and 1 differ');
  expect(existsSync(join(dir, 'f.onnx'))).toBe(false);
});

test('a model with a side file that is fused twice to one name leaves one side file', async () => {
  await cnnx(['convert', 'acnet.onnx', '--external-data', '-o', 'in.onnx'], { cwd: dir });
  for (let i = 0; i < 3; i++)
    expect(await cnnx(['fuse', 'in.onnx', '--no-verify', '-o', 'out.onnx'], { cwd: dir })).toMatchObject({ code: 0 });
  expect(readdirSync(dir).filter((f) => f.startsWith('out.onnx.'))).toHaveLength(1);
  expect((await cnnx(['verify', 'in.onnx', 'out.onnx'], { cwd: dir })).code).toBe(0);
});
