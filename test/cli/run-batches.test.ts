import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readNpy } from '../../src/formats/npy.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

let folder: string;
const names = Array.from({ length: 5 }, (_, i) => `${i}.png`);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-batches-'));
  const image = (name: string): string => fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));
  for (const [i, name] of names.entries()) copyFileSync(image(i % 2 ? 'grass.png' : 'small.png'), join(folder, name));
  copyFileSync(image('cat.jpg'), join(folder, 'cat.jpg'));
  writeFileSync(join(folder, 'broken.jpg'), 'this is no image');
  const model = (batch: string): Uint8Array =>
    concat(
      writeOnnx(
        parseGraph(`(image: float32[${batch},3,32,32]) -> (y)\n p = GlobalAveragePool(image)\n y = Flatten(p)`),
      ),
    );
  writeFileSync(join(folder, 'open.onnx'), model('n'));
  writeFileSync(join(folder, 'two.onnx'), model('2'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZES = ['--resize', '32', '--crop', '32', '--provider', 'cpu'];
const run = (model: string, ...args: string[]): ReturnType<typeof cnnx> =>
  cnnx(['run', model, ...args, ...SIZES], { cwd: folder });

interface Result {
  readonly image: string;
  readonly error?: { readonly code: string };
  readonly classes?: readonly { readonly index: number; readonly probability: number }[];
  readonly outputs?: readonly { readonly shape: readonly number[] }[];
}

const resultsOf = (stdout: string): readonly Result[] => (JSON.parse(stdout) as { results: Result[] }).results;

test('an open batch takes --batch images at a time, 16 if that is left out; the results are the same', async () => {
  const alone = await run('open.onnx', '--batch', '1', '--json', '--image', ...names);
  const pairs = await run('open.onnx', '--batch', '2', '--json', '--image', ...names);
  const all = await run('open.onnx', '--json', '--image', ...names);
  const batches = (stdout: string): unknown => resultsOf(stdout).map((r) => r.outputs?.[0]?.shape[0]);
  expect(batches(alone.stdout)).toEqual([1, 1, 1, 1, 1]);
  expect(batches(pairs.stdout)).toEqual([2, 2, 2, 2, 1]);
  expect(batches(all.stdout)).toEqual([5, 5, 5, 5, 5]);
  const classes = (stdout: string): unknown => resultsOf(stdout).map((r) => r.classes);
  expect(classes(pairs.stdout)).toEqual(classes(alone.stdout));
  expect(classes(all.stdout)).toEqual(classes(alone.stdout));
  const many = Array.from({ length: 20 }, () => '0.png');
  expect(batches((await run('open.onnx', '--json', '--image', ...many)).stdout)).toEqual([
    ...Array.from({ length: 16 }, () => 16),
    ...Array.from({ length: 4 }, () => 4),
  ]);
});

test('a batch that the model fixes is what it takes', async () => {
  const { code, stdout } = await run('two.onnx', '--json', '--image', ...names);
  expect(code).toBe(0);
  expect(resultsOf(stdout)).toHaveLength(5);
  const { code: refused, stderr } = await run('two.onnx', '--batch', '4', '--image', ...names);
  expect(refused).toBe(2);
  expect(stderr).toContain('--batch 4, and the model takes 2 at a time');
});

test('one broken image keeps the results of the others; the exit code tells', async () => {
  const files = ['0.png', 'broken.jpg', '1.png', 'absent.png'];
  for (const batch of ['1', '16']) {
    const { code, stdout, stderr } = await run('open.onnx', '--batch', batch, '--image', ...files);
    expect(code).toBe(4);
    expect([...stdout.matchAll(/^\S+\.(?:png|jpg)$/gm)].flat()).toEqual(['0.png', '1.png']);
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toHaveLength(2);
  }
  const { stdout } = await run('open.onnx', '--json', '--image', ...files);
  expect(resultsOf(stdout).map((r) => [r.image, r.error?.code])).toEqual([
    ['0.png', undefined],
    ['broken.jpg', 'image/unreadable'],
    ['1.png', undefined],
    ['absent.png', 'io/not-found'],
  ]);
});

test('outputs are saved batch by batch', async () => {
  await run('open.onnx', '--batch', '2', '--save', 'out', '--image', ...names);
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['1.y.npy', '2.y.npy', '3.y.npy']);
  expect(readNpy(readFileSync(join(folder, 'out', '3.y.npy'))).shape).toEqual([1, 3]);
});

test('a file in the place of an image: the hint says how images are given', async () => {
  const { code, stderr } = await run('open.onnx', '0.png');
  expect(code).toBe(2);
  expect(stderr).toContain('hint: images are given with --image: cnnx run open.onnx --image 0.png');
});

/** xorshift32: the same bytes everywhere. */
function* random(seed: number): Generator<number, never, undefined> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

test('of JPEGs with 50 bytes changed, most are refused with the decoder’s words; none is a bug', async () => {
  const whole = readFileSync(join(folder, 'cat.jpg'));
  const numbers = random(12345);
  const files = Array.from({ length: 20 }, (_, n) => {
    const bytes = Buffer.from(whole);
    for (let i = 0; i < 50; i++)
      bytes[600 + (numbers.next().value % (bytes.length - 600))] = numbers.next().value % 256;
    writeFileSync(join(folder, `damaged-${n}.jpg`), bytes);
    return `damaged-${n}.jpg`;
  });
  const { stdout, stderr } = await run('open.onnx', '--json', '--image', ...files);
  const results = resultsOf(stdout);
  expect(results).toHaveLength(20);
  expect(results.filter((r) => r.error).length).toBeGreaterThan(10);
  for (const r of results) if (r.error) expect(r.error.code).toBe('image/unreadable');
  expect(stderr).not.toMatch(/bug in cnnx|^ {4}at /m);
});
