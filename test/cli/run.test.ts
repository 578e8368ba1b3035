import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readNpy, writeNpy } from '../../src/formats/npy.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { asFloat32, float32Tensor } from '../../src/tensor/tensor.js';
import { cnnx } from '../support/cli.js';
import { groundTruthBytes } from '../support/ground-truth.js';
import { isFull } from '../support/shared.js';
import { torchvision } from '../support/torchvision.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-run-'));
  for (const name of ['grass.png', 'landscape.jpg', 'small.png'])
    copyFileSync(fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url)), join(folder, name));
  // The mean of each colour is a class's score: what comes out can be checked by eye.
  write('means.onnx', '(image: float32[n,3,32,32]) -> (scores)\n p = GlobalAveragePool(image)\n scores = Flatten(p)');
  write(
    'thousand.onnx',
    '(image: float32[1,3,8,8]) -> (scores)\n f = Flatten(image)\n scores = Gemm(f, w: float32[192,1000])',
  );
  write('two.onnx', '(a: float32[1,3,8,8], b: float32[1,3,8,8]) -> (y)\n y = Add(a, b)');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): void =>
  writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text))));
interface Result {
  readonly classes: readonly { readonly label: string; readonly index: number; readonly probability: number }[];
}

const resultsOf = (stdout: string): readonly Result[] => (JSON.parse(stdout) as { results: Result[] }).results;
const run = (...args: string[]): ReturnType<typeof cnnx> =>
  cnnx(['run', ...args, '--provider', 'cpu'], { cwd: folder });

describe('images', () => {
  test('several at once, with steps from the command line and labels from a file', async () => {
    writeFileSync(join(folder, 'colours.txt'), 'red\ngreen\nblue\n');
    const { code, stdout, stderr } = await run(
      'means.onnx',
      '--image',
      'landscape.jpg',
      'grass.png',
      '--labels',
      'colours.txt',
      '--resize',
      '32',
      '--crop',
      '32',
      '--mean',
      '0,0,0',
      '--std',
      '1,1,1',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const best = [...stdout.matchAll(/^(\S+\.(?:jpg|png))\n.*\n.*(red|green|blue)$/gm)].map((m) => m.slice(1));
    expect(best).toEqual([
      ['landscape.jpg', 'blue'],
      ['grass.png', 'green'],
    ]);
  });

  test("ImageNet's names for a thousand classes, ImageNet's way where the model does not say, and said so", async () => {
    const { stdout, stderr } = await run('thousand.onnx', '--image', 'small.png', '--top', '2', '--json');
    const [result] = resultsOf(stdout);
    expect(result?.classes).toHaveLength(2);
    expect(result?.classes[0]?.label).toMatch(/^[\w -]+/);
    expect(stderr).toMatch(/taking ImageNet's way at 8 pixels/);
  });

  test('a network built by cnnx says itself how images become inputs', async () => {
    await cnnx(['build', 'mnist_net', '--init', 'golden', '-o', 'mnist.onnx'], { cwd: folder });
    const built = readFileSync(join(folder, 'mnist.onnx')).includes('cnnx.preprocess');
    const { code, stderr } = await run('mnist.onnx', '--image', 'small.png');
    expect(code).toBe(0);
    expect(stderr.includes("ImageNet's way")).toBe(!built);
  });
});

/** Builds a network with the golden fill, and runs the photographs of test/fixtures/images through it. */
async function expectTorchvisionsClasses(network: string): Promise<void> {
  writeFileSync(join(folder, 'golden.json'), groundTruthBytes(`goldens/${network}.json.gz`));
  const expected = torchvision.top5[network] ?? {};
  const images = Object.keys(expected).map((f) => fileURLToPath(new URL(`../fixtures/images/${f}`, import.meta.url)));
  expect(images.length).toBeGreaterThan(1);
  await cnnx(['build', network, '--init', 'golden:golden.json', '--batch', 'N', '-o', 'net.onnx'], { cwd: folder });
  const { stdout, stderr } = await run('net.onnx', '--image', ...images, '--json');
  expect(stderr).toBe('');
  const results = resultsOf(stdout);
  expect(results.map((r) => r.classes.map((c) => c.index))).toEqual(Object.values(expected));
}

describe("torchvision's five best classes, in its order", () => {
  test('resnet18', () => expectTorchvisionsClasses('resnet18'));

  test.runIf(isFull).each(['resnet50', 'inception_v3', 'efficientnet_b0'])('%s', (network) =>
    expectTorchvisionsClasses(network),
  );
});

test('inputs and outputs as .npy', async () => {
  writeFileSync(join(folder, 'a.npy'), concat(writeNpy(float32Tensor([1, 3, 8, 8], new Float32Array(192).fill(1.5)))));
  writeFileSync(join(folder, 'b.npy'), concat(writeNpy(float32Tensor([1, 3, 8, 8], new Float32Array(192).fill(2)))));
  const { code, stdout } = await run('two.onnx', '--input', 'a=a.npy', '--input', 'b=b.npy', '--save', 'new/folder');
  expect(code).toBe(0);
  expect(stdout).toContain('y float32[1,3,8,8]');
  const y = readNpy(readFileSync(join(folder, 'new/folder/y.npy')));
  expect(asFloat32(y).every((v) => v === 3.5)).toBe(true);
});

test('inspect: layers and totals, and the tensors of a checkpoint', async () => {
  const inspected = await cnnx(['inspect', 'thousand.onnx'], { cwd: folder });
  expect(inspected.stdout).toMatch(/Gemm +1 x 1000 +192,000 +192,000/);
  const json = JSON.parse((await cnnx(['inspect', 'thousand.onnx', '--json'], { cwd: folder })).stdout) as object;
  expect(json).toMatchObject({
    files: [{ parameters: 192_000, macs: 192_000, inputs: [{ name: 'image', type: 'float32[1,3,8,8]' }] }],
  });
});

test('inspect: activations by the names that papers use', async () => {
  write(
    'silu.onnx',
    '(x: float32[1,2]) -> (y)\n g = Sigmoid(x)\n s = Mul(x, g)\n h = HardSigmoid<alpha=0.16666667>(s)\n y = Mul(h, s)',
  );
  expect((await cnnx(['inspect', 'silu.onnx'], { cwd: folder })).stdout).toMatch(/^recognised: 1 SiLU, 1 hard-swish$/m);
  const { files } = JSON.parse((await cnnx(['inspect', 'silu.onnx', '--json'], { cwd: folder })).stdout) as {
    files: { patterns: { kind: string; operators: number }[] }[];
  };
  expect(files[0]?.patterns).toMatchObject([
    { kind: 'SiLU', operators: 2 },
    { kind: 'hard-swish', operators: 2 },
  ]);
});

test('bench: a table with a ratio, and where the time goes', async () => {
  write('other.onnx', '(x: float32[n,3,8,8]) -> (y)\n y = Flatten(x)');
  const args = [
    'bench',
    'thousand.onnx',
    'other.onnx',
    '--runs',
    '5',
    '--provider',
    'cpu',
    '--threads',
    '1',
    '--batch',
    '1',
  ];
  const plain = await cnnx([...args, '--json', '--profile'], { cwd: folder });
  expect(plain.code).toBe(0);
  const report = JSON.parse(plain.stdout) as {
    reports: { models: { median: number; ratio?: object }[] }[];
    profiles: Record<string, { op: string; provider: string }[]>;
  };
  expect(report.reports[0]?.models).toMatchObject([
    { name: 'thousand.onnx' },
    { name: 'other.onnx', ratio: { low: expect.any(Number) as number } },
  ]);
  expect(report.profiles['thousand.onnx']).toContainEqual(expect.objectContaining({ op: 'Gemm', provider: 'cpu' }));
});

test('bench: several providers, each once; a name that is none is refused', async () => {
  const args = ['bench', 'thousand.onnx', '--runs', '3', '--threads', '1', '--json', '--provider'];
  const { stdout } = await cnnx([...args, 'cpu,cpu'], { cwd: folder });
  const { reports } = JSON.parse(stdout) as { reports: { provider: string }[] };
  expect(reports.map((r) => r.provider)).toEqual(['cpu']);
  const refused = await cnnx([...args, 'cpu,tpu'], { cwd: folder });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/'cpu,tpu' is invalid.* auto, cuda, webgpu, cpu/);
});
