import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource } from '../../src/base/bytes.js';
import { readSafetensors } from '../../src/formats/safetensors.js';
import { cnnx } from '../support/cli.js';
import { groundTruth, groundTruthJson } from '../support/ground-truth.js';
import { floats, port, tinyOnnx } from '../support/tiny-onnx.js';
import { torchStateDict } from '../support/torch-file.js';

let folder: string;
const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-convert-'));
  const checkpoint = torchStateDict({
    w: { shape: [2], data: Float32Array.of(1, 2) },
    extra: { shape: [1], data: Float32Array.of(5) },
  });
  writeFileSync(at('net.pth'), checkpoint.read(0, checkpoint.size));
  const model = tinyOnnx({
    inputs: [port('x', [2])],
    outputs: [port('y', [2])],
    nodes: [
      { op: 'Mul', in: ['x', 'w'], out: ['t'] },
      { op: 'Add', in: ['t', 'b'], out: ['y'] },
    ],
    initializers: [floats('w', [2], [7, 8]), floats('b', [2], [9, 9])],
  });
  writeFileSync(at('model.onnx'), model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tensors = (file: string): Record<string, number[]> => {
  const found = readSafetensors(memorySource(new Uint8Array(readFileSync(at(file))))).tensors;
  return Object.fromEntries(
    [...found].map(([name, t]) => [name, [...new Float32Array(new Uint8Array(t.bytes()).buffer)]]),
  );
};

describe('to safetensors', () => {
  test('a PyTorch checkpoint', async () => {
    const { code, stdout } = await run('convert', 'net.pth', '-o', 'net.safetensors', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: 'net.safetensors', tensors: 2 });
    expect(tensors('net.safetensors')).toEqual({ w: [1, 2], extra: [5] });
  });

  test("a model's initializers, under their names", async () => {
    expect(await run('convert', 'model.onnx', '-o', 'model.safetensors')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 tensors'),
    });
    expect(tensors('model.safetensors')).toEqual({ w: [7, 8], b: [9, 9] });
  });

  test.each([
    [['model.onnx', '-o', 'x.safetensors', '--batch', '3'], /--batch is for models/],
    [['model.onnx', '-o', 'x.safetensors', '--external-data'], /--external-data is for models/],
    [['model.onnx', '-o', 'x.onnx', '--state-dict', 'deploy'], /ends in \.safetensors/],
    [['model.onnx', '-o', 'x.safetensors', '--state-dict', 'deploy'], /metadata does not say which architecture/],
    [['net.pth', '-o', 'x.onnx'], /give its weights to --weights/],
  ])('convert %s is refused', async (args, words) => {
    expect(await run('convert', ...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(words) });
    expect(readdirSync(folder).filter((f) => f.startsWith('x.'))).toEqual([]);
  });
});

describe("--weights: other data for a model's initializers", () => {
  test('by name; what does not fit is refused, or left out with --partial', async () => {
    const refused = await run('convert', 'model.onnx', '--weights', 'net.pth', '-o', 'new.onnx');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/extra +float32\[1\]/) });
    const { code, stderr } = await run('convert', 'model.onnx', '--weights', 'net.pth', '--partial', '-o', 'new.onnx');
    expect(code).toBe(0);
    expect(stderr).toMatch(/1 initializers have the data of net\.pth, 1 stay/);
    expect(stderr).toMatch(/warning: 1 tensors of net\.pth do not fit: extra/);
    const { graph } = onnx.ModelProto.decode(readFileSync(at('new.onnx')));
    const data = (graph?.initializer ?? []).map((t) => [
      t.name,
      t.rawData?.length ? [...new Float32Array(new Uint8Array(t.rawData).buffer)] : [...(t.floatData ?? [])],
    ]);
    expect(data).toEqual([
      ['w', [1, 2]],
      ['b', [9, 9]],
    ]);
  });
});

test('--state-dict: a fused network of ours under the names of the ordinary one', async () => {
  expect(await run('build', 'acnet', '--init', 'golden', '-o', 'acnet.onnx')).toMatchObject({ code: 0 });
  expect(await run('fuse', 'acnet.onnx', '-o', 'fused.onnx', '--no-verify')).toMatchObject({ code: 0 });
  for (const form of ['deploy', 'torchvision']) {
    expect(await run('convert', 'fused.onnx', '--state-dict', form, '-o', `${form}.safetensors`)).toMatchObject({
      code: 0,
    });
  }
  expect(Object.keys(tensors('deploy.safetensors')).slice(0, 4)).toEqual([
    'features.0.weight',
    'features.0.bias',
    'features.3.weight',
    'features.3.bias',
  ]);
  expect(await run('build', 'mnist_net', '--weights', 'torchvision.safetensors', '-o', 'plain.onnx')).toMatchObject({
    code: 0,
  });
  expect(await run('verify', 'acnet.onnx', 'plain.onnx')).toMatchObject({ code: 0 });
});

describe('the reference checkpoints, on the command line', () => {
  const { files } = groundTruthJson('checkpoints/manifest.json') as { files: { file: string; expect: string }[] };

  // A process each: all of them in the API's tests, here one of every kind of end.
  const bad = [
    'malicious_os_system_p4.pt',
    'malicious_inst.pkl',
    'damaged_zip_flip_data.pt',
    'damaged_legacy_truncated.pt',
    'damaged_safetensors_short.safetensors',
  ];
  test.each(bad)('%s: exit code 2, one error in words, no file', async (file) => {
    expect(files).toContainEqual(expect.objectContaining({ file, expect: 'error' }));
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await run('convert', groundTruth(`checkpoints/${file}`), '-o', 'bad.safetensors');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toMatch(/\n {4}at |bug in cnnx/);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('inspect lists a state dict', () => {
  test('names, types, shapes, and what stands beside the weights', async () => {
    const { code, stdout } = await run('inspect', 'net.pth');
    expect(code).toBe(0);
    expect(stdout).toMatch(/w +float32 +\[2\] +8\nextra +float32 +\[1\] +4\ntorch-zip: 2 tensors, 12 bytes/);
  });

  test('shards, by their index', async () => {
    expect(await run('convert', 'net.pth', '-o', 'part.safetensors')).toMatchObject({ code: 0 });
    writeFileSync(
      at('net.safetensors.index.json'),
      JSON.stringify({ weight_map: { w: 'part.safetensors', extra: 'part.safetensors' } }),
    );
    const { code, stdout } = await run('inspect', 'net.safetensors.index.json', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      files: [{ format: 'safetensors', tensors: [{ name: 'w' }, { name: 'extra' }] }],
    });
    expect(await run('build', 'acnet', '--weights', 'net.safetensors.index.json', '-o', 'x.onnx')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not fit'),
    });
  });

  test('a damaged byte of its data is found', async () => {
    const bytes = readFileSync(at('net.pth'));
    bytes[bytes.indexOf(Buffer.from(Float32Array.of(1, 2).buffer))] = 1;
    writeFileSync(at('damaged.pth'), bytes);
    expect(await run('inspect', 'damaged.pth')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('CRC-32'),
    });
  });
});
