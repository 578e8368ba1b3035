import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';
import { reportFaults } from '../support/json-reports.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-json-'));
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text))));
  write('relu.onnx', '(x: float32[n,3]) -> (y)\n y = Relu(x)');
  write('other.onnx', '(x: float32[n,3]) -> (y)\n y = Mul(x, s: float32[] = [1.5])');
  write('means.onnx', '(image: float32[n,3,8,8]) -> (y)\n p = GlobalAveragePool(image)\n y = Flatten(p)');
  write('silu.onnx', '(x: float32[1,2]) -> (y)\n g = Sigmoid(x)\n y = Mul(x, g)');
  writeFileSync(join(folder, 'bad.onnx'), 'this is no model');
  writeFileSync(join(folder, 'bad.jpg'), 'this is no image');
  expect((await cnnx(['build', 'acnet', '--init', 'golden', '-o', 'acnet.onnx'], { cwd: folder })).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IMAGE = fileURLToPath(new URL('../fixtures/images/small.png', import.meta.url));

/** The arguments, and the exit code. */
const CALLS: readonly (readonly [string[], number])[] = [
  [['bench', 'relu.onnx', 'other.onnx', '--runs', '2', '--provider', 'cpu', '--profile'], 0],
  [['bench', 'relu.onnx', 'means.onnx', '--runs', '2', '--provider', 'cpu'], 2],
  [['build', 'acnet', '-o', 'built.onnx'], 0],
  [['build', 'no-such-net'], 2],
  [['convert', 'acnet.onnx', '--batch', 'N', '-o', 'n.onnx'], 0],
  [['convert', 'acnet.onnx', '-o', 'acnet.safetensors'], 0],
  [['convert', 'absent.onnx', '-o', 'x.onnx'], 4],
  [['doctor'], 0],
  [['fuse', 'acnet.onnx', 'bad.onnx', '--explain'], 2],
  [['fuse', 'relu.onnx'], 0],
  [['fuse', '--list'], 0],
  [['fuse', '--no-such-option'], 2],
  [['inspect', 'acnet.onnx', 'silu.onnx', 'bad.onnx', 'acnet.safetensors'], 2],
  [['inspect', 'relu.onnx'], 0],
  [['list', 'resnet'], 0],
  [['quantize', 'means.onnx', '--calibrate', 'absent'], 4],
  [['run', 'means.onnx', '--image', IMAGE, 'bad.jpg', '--provider', 'cpu'], 2],
  [['run', 'means.onnx', '--image', IMAGE, '--provider', 'cpu'], 0],
  [['run', 'bad.onnx', '--image', IMAGE], 2],
  [['verify', 'relu.onnx', 'other.onnx'], 1],
  [['verify', 'relu.onnx', 'relu.onnx'], 0],
  [['verify', 'relu.onnx', 'means.onnx'], 2],
];

test.each(CALLS)('%j: one JSON text, as docs/schemas has it', async (args, code) => {
  const result = await cnnx([...args, '--json'], { cwd: folder });
  expect(result).toMatchObject({ code, stdout: expect.stringMatching(/^\{\n {2}"schemaVersion": 1,\n/) as string });
  expect(reportFaults(args[0] ?? '', result.stdout)).toEqual([]);
  if (code > 1) expect(result.stdout).toContain('"error": {');
});

test('a schema would notice a field too many, and one too few', async () => {
  const { stdout } = await cnnx(['list', 'acnet', '--json']);
  const report = JSON.parse(stdout) as object;
  expect(reportFaults('list', JSON.stringify({ ...report, more: 1 }))).not.toEqual([]);
  const { schemaVersion: _, ...less } = report as { schemaVersion: number };
  expect(reportFaults('list', JSON.stringify(less))).not.toEqual([]);
});

test('docs/json.md names every schema, and each is of a command with --json', async () => {
  const doc = readFileSync(new URL('../../docs/json.md', import.meta.url), 'utf8');
  const schemas = readdirSync(new URL('../../docs/schemas', import.meta.url)).map((f) => f.replace('.json', ''));
  expect(schemas.length).toBeGreaterThan(9);
  for (const name of schemas) {
    expect(doc).toContain(`schemas/${name}.json`);
    if (name !== 'common') expect((await cnnx([name, '--help'])).stdout).toContain('--json');
  }
});

test('people see the code of an error too', async () => {
  const { stderr } = await cnnx(['inspect', 'absent.onnx'], { cwd: folder });
  expect(stderr).toMatch(/^error: .*no such file or folder\n {2}at: file absent\.onnx\n {2}code: io\/not-found\n$/);
});
