import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeNpy } from '../../src/formats/npy.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { float32Tensor, int64Tensor } from '../../src/tensor/tensor.js';
import { cnnx, MAIN } from '../support/cli.js';
import { blackPng } from '../support/png.js';

const image = (name: string): string => fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-bad-'));
  const file = (name: string, bytes: string | Uint8Array): void => writeFileSync(join(folder, name), bytes);
  const model = (name: string, text: string): void => file(name, concat(writeOnnx(parseGraph(text))));
  model('means.onnx', '(image: float32[n,3,32,32]) -> (y)\n p = GlobalAveragePool(image)\n y = Flatten(p)');
  model('two.onnx', '(a: float32[1,3,8,8], b: float32[1,3,8,8]) -> (y)\n y = Add(a, b)');
  model('numbers.onnx', '(x: int64[2]) -> (y)\n y = Neg(x)');
  file('text.onnx', 'this is no model\n');
  file('text.jpg', 'this is no image\n');
  file('cut.jpg', readFileSync(image('cat.jpg')).subarray(0, 20_000));
  file('bomb.png', blackPng(30_000, 30_000));
  file('two.txt', 'red\ngreen');
  file('text.npy', 'this is no array\n');
  file('two.npy', concat(writeNpy(int64Tensor([2], [1n, 2n]))));
  file('three.npy', concat(writeNpy(int64Tensor([3], [1n, 2n, 3n]))));
  file('floats.npy', concat(writeNpy(float32Tensor([2], [1, 2]))));
  copyFileSync(image('small.png'), join(folder, 'small.png'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZES = ['--resize', '32', '--crop', '32'];

/** The arguments after `cnnx run`, the exit code, and the error line in full or what it says. */
test.each<[string, string[], number, RegExp]>([
  [
    'an image that is none',
    ['means.onnx', '--image', 'text.jpg'],
    2,
    /cannot read text\.jpg as an image: it is no JPEG/,
  ],
  ['a truncated JPEG', ['means.onnx', '--image', 'cut.jpg'], 2, /cut\.jpg as an image: .*premature end/],
  ['an image that is not there', ['means.onnx', '--image', 'absent.jpg'], 4, /absent\.jpg: there is no such file/],
  ['two inputs that could take it', ['two.onnx', '--image', 'small.png'], 2, /2 inputs could take an image: a, b$/],
  ['no input that could', ['numbers.onnx', '--image', 'small.png'], 2, /no input takes an image: float32/],
  ['an input that is not there', ['means.onnx', '--image', 'small.png', '--image-input', 'q'], 2, /no input named q/],
  [
    'labels of another count',
    ['means.onnx', '--image', 'small.png', '--labels', 'two.txt'],
    2,
    /2 names for 3 classes/,
  ],
  ['no labels', ['means.onnx', '--image', 'small.png', '--labels', 'absent'], 4, /absent: there is no such file/],
  [
    'a provider that does not exist',
    ['means.onnx', '--provider', 'tpu'],
    2,
    /'tpu' is invalid.* auto, cuda, webgpu, cpu/,
  ],
  ['a model that is none', ['text.onnx', '--image', 'small.png'], 2, /not an ONNX model, but a text/],
  ['a model that is not there', ['absent.onnx', '--image', 'small.png'], 4, /absent\.onnx: there is no such file/],
  ['an array of another shape', ['numbers.onnx', '--input', 'x=three.npy'], 2, /takes x int64\[2\], and .* int64\[3\]/],
  [
    'an array of another type',
    ['numbers.onnx', '--input', 'x=floats.npy'],
    2,
    /takes x int64\[2\], and .* float32\[2\]/,
  ],
  ['an array that is none', ['numbers.onnx', '--input', 'x=text.npy'], 2, /this is no \.npy file/],
  ['an array that is not there', ['numbers.onnx', '--input', 'x=absent.npy'], 4, /absent\.npy: there is no such file/],
  ['an input nobody has', ['numbers.onnx', '--input', 'x=two.npy', '--input', 'z=two.npy'], 2, /has no input z$/],
  ['an input that is not given', ['numbers.onnx'], 2, /no tensor is given for the input x$/],
  ['a crop of another size', ['means.onnx', '--image', 'small.png', '--crop', '16'], 2, /\[n,3,32,32\].*\[1,3,16,16\]/],
  ['a size no memory holds', ['means.onnx', '--image', 'small.png', '--resize', '99999,99999'], 2, /pixels at once/],
  ['a division by 0', ['means.onnx', '--image', 'small.png', '--std', '0'], 2, /divided by 0/],
])('%s', async (_what, args, code, words) => {
  const provider = args.includes('--provider') ? [] : ['--provider', 'cpu'];
  const result = await cnnx(['run', ...args, ...provider], { cwd: folder });
  expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
  const [line, ...more] = result.stderr.split('\n').filter((l) => l.startsWith('error: '));
  expect(line).toMatch(words);
  expect(more).toEqual([]);
  // Where a stack would be.
  expect(result.stderr).not.toMatch(/^ {4}at /m);
});

test('a PNG of 30,000 x 30,000 pixels is refused before it is decoded', () => {
  const atExit = fileURLToPath(new URL('../../dist/bench/at-exit.js', import.meta.url));
  const args = ['--import', atExit, MAIN, 'run', 'means.onnx', '--image', 'bomb.png', '--provider', 'cpu', ...SIZES];
  const run = spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  expect({ code: run.status, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
  expect(run.stderr).toMatch(/^error: cannot read bomb\.png as an image: 30000 x 30000 pixels; at most 100000000/);
  const usage = JSON.parse(run.output[3] ?? '') as { userCPUTime: number; maxRSS: number };
  expect(usage.userCPUTime / 1e6).toBeLessThan(2);
  expect(usage.maxRSS / 1024).toBeLessThan(300);
});

test('a provider that is named and does not work here is an error with the reason', async () => {
  const { code, stderr } = await cnnx(['run', 'means.onnx', '--image', 'small.png', ...SIZES, '--provider', 'cuda'], {
    cwd: folder,
  });
  expect([0, 3]).toContain(code);
  if (code === 3) expect(stderr).toMatch(/^error: cuda does not work here: .+/m);
});

test('one value of --mean and --std is for all channels', async () => {
  const result = await cnnx(
    [
      'run',
      'means.onnx',
      '--image',
      'small.png',
      ...SIZES,
      '--mean',
      '0',
      '--std',
      '2',
      '--save',
      'out',
      '--provider',
      'cpu',
    ],
    { cwd: folder },
  );
  expect(result.code).toBe(0);
  const bytes = readFileSync(join(folder, 'out', 'y.npy'));
  const means = [12, 8, 4].map((back) => bytes.readFloatLE(bytes.length - back));
  for (const mean of means) expect(mean > 0 && mean < 0.5, String(means)).toBe(true);
});
