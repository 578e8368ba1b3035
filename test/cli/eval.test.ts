import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeNpy } from '../../src/formats/npy.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { sampled } from '../../src/running/samples.js';
import { tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';
import { describeShared, isFull, shared, sharedBytes, sharedJson } from '../support/shared.js';

interface Report {
  readonly images: { readonly of: number; readonly evaluated: number; readonly broken: number };
  readonly models: readonly {
    readonly top1: { readonly correct: number; readonly of: number; readonly percent: number };
    readonly top5: { readonly correct: number };
    readonly classes: readonly {
      readonly index: number;
      readonly name: string;
      readonly of: number;
      readonly correct: number;
    }[];
  }[];
  readonly pairs: readonly {
    readonly mcnemar: { readonly exact: number };
    readonly agreement: { readonly correct: number };
    readonly apart: readonly { readonly image: string }[];
  }[];
  readonly broken: readonly { readonly image: string; readonly why: string }[];
}

let folder: string;
const COLOURS = ['red', 'green', 'blue'] as const;
const SHADES = [120, 160, 200, 240];
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-eval-'));
  // The mean of each colour is a class's score; the second model takes red for green.
  model('means.onnx', '(image: float32[n,3,32,32]) -> (scores)\n p = GlobalAveragePool(image)\n scores = Flatten(p)');
  model(
    'mixed.onnx',
    '(image: float32[2,3,32,32]) -> (scores)\n p = GlobalAveragePool(image)\n f = Flatten(p)\n scores = Gather<axis=1>(f, i: int64[3] = [1,0,2])',
  );
  for (const [i, colour] of COLOURS.entries()) {
    mkdirSync(join(folder, 'data', colour), { recursive: true });
    for (const shade of SHADES) {
      const [r = 0, g = 0, b = 0] = COLOURS.map((_, c) => (c === i ? shade : 40));
      await sharp({ create: { width: 40, height: 36, channels: 3, background: { r, g, b } } })
        .jpeg()
        .toFile(join(folder, 'data', colour, `${shade}.jpg`));
    }
  }
  writeFileSync(join(folder, 'labels.txt'), 'red\ngreen\nblue\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = (name: string, text: string): void =>
  writeFileSync(join(folder, name), concat(writeOnnx(parseGraph(text))));
const STEPS = ['--labels', 'labels.txt', '--resize', '32,32', '--mean', '0', '--std', '1', '--provider', 'cpu'];
const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(['eval', ...args, ...STEPS], { cwd: folder });

async function report(...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

/** Without what differs from run to run. */
const numbers = (r: Report): object => ({ models: r.models, pairs: r.pairs, broken: r.broken, images: r.images });

describe('a folder of class folders', () => {
  test('one model', async () => {
    const { models, images } = await report('means.onnx', '--data', 'data');
    expect(images).toEqual({ of: 12, evaluated: 12, broken: 0 });
    expect(models[0]?.top1).toMatchObject({ correct: 12, of: 12, percent: 100 });
    expect(models[0]?.classes.map((c) => [c.index, c.name, c.correct, c.of])).toEqual([
      [0, 'red', 4, 4],
      [1, 'green', 4, 4],
      [2, 'blue', 4, 4],
    ]);
  });

  test('two models, one of them with a fixed batch', async () => {
    const { models, pairs } = await report('means.onnx', 'mixed.onnx', '--data', 'data');
    expect(models.map((m) => m.top1.correct)).toEqual([12, 4]);
    expect(pairs[0]?.agreement.correct).toBe(4);
    expect(pairs[0]?.mcnemar).toMatchObject({ onlyFirst: 8, onlySecond: 0 });
    expect(pairs[0]?.mcnemar.exact).toBeCloseTo(2 ** -7, 12);
    expect(pairs[0]?.apart.map((a) => a.image)).not.toContain(join('blue', '120.jpg'));
  });

  test('by a table of files and classes', async () => {
    const rows = COLOURS.flatMap((c, i) => SHADES.map((s) => `${c}/${s}.jpg,${i}`));
    writeFileSync(join(folder, 'truth.csv'), `file,class\n${rows.join('\n')}\n`);
    const byName = rows.map((row) => row.replace(/,.*/, `,${row.split('/')[0]}`));
    writeFileSync(join(folder, 'names.csv'), byName.join('\n'));
    for (const table of ['truth.csv', 'names.csv'])
      expect((await report('means.onnx', '--data', 'data', '--truth', table)).models[0]?.top1.correct).toBe(12);
  });

  test('as people read it', async () => {
    const { stdout } = await run('means.onnx', 'mixed.onnx', '--data', 'data');
    expect(stdout).toMatch(/12 of 12 images: 12 images of 3 classes in data, classes by the given names/);
    expect(stdout).toMatch(/mixed\.onnx +33\.33 % +13\.81 to 60\.94/);
    expect(stdout).toMatch(/only the first is right on 8, only the second on 0: p = 0\.00781/);
  });
});

describe('images of every kind', () => {
  const KINDS = [
    'cat.grey.jpg',
    'cat.inks.jpg',
    'cat.turned.jpg',
    'hopper.palette.png',
    'hopper.alpha.png',
    'tiny.webp',
  ];
  beforeAll(async () => {
    mkdirSync(join(folder, 'mixed', 'red'), { recursive: true });
    const place = (name: string): string => join(folder, 'mixed', 'red', name);
    for (const name of KINDS) copyFileSync(fixture(name), place(name));
    const wide = new Uint16Array(16 * 16 * 3).map((_, i) => (i % 3 === 0 ? 60_000 : 9_000));
    await sharp(wide, { raw: { width: 16, height: 16, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toFile(place('deep.png'));
    writeFileSync(place('empty.jpg'), '');
    writeFileSync(place('text.png'), 'no image at all');
    writeFileSync(place('cut.jpg'), readFileSync(fixture('cat.jpg')).subarray(0, 9000));
    writeFileSync(place('head.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0));
  });
  const BROKEN = ['cut.jpg', 'empty.jpg', 'head.jpg', 'text.png'];

  test('those that are broken are named and counted, and the others are evaluated', async () => {
    const r = await report('means.onnx', '--data', 'mixed');
    expect(r.images).toEqual({ of: KINDS.length + 5, evaluated: KINDS.length + 1, broken: 4 });
    expect(r.broken.map((b) => b.image)).toEqual(BROKEN.map((name) => join('red', name)));
    expect(r.broken[1]?.why).toMatch(/it is no JPEG, PNG or WebP/);
  });

  test('with --strict the first of them ends it', async () => {
    const { code, stderr } = await run('means.onnx', '--data', 'mixed', '--strict');
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot read .*cut\.jpg as an image/);
  });
});

describe('records', () => {
  test('an evaluation that was killed goes on, and gives the same numbers', async () => {
    const whole = await report(
      'means.onnx',
      'mixed.onnx',
      '--data',
      'mixed',
      '--batch',
      '2',
      '--records',
      'whole.jsonl',
    );
    const lines = readFileSync(join(folder, 'whole.jsonl'), 'utf8').split('\n');
    // As kill -9 leaves it: some lines, and the beginning of another.
    writeFileSync(join(folder, 'cut.jsonl'), lines.slice(0, 5).join('\n'));
    appendFileSync(join(folder, 'cut.jsonl'), `\n${lines[5]?.slice(0, 20)}`);
    const { stderr, stdout } = await run(
      'means.onnx',
      'mixed.onnx',
      '--data',
      'mixed',
      '--records',
      'cut.jsonl',
      '--json',
    );
    expect(stderr).toMatch(/going on: 4 of 11 images/);
    expect(numbers(JSON.parse(stdout) as Report)).toEqual(numbers(whole));
    expect(readFileSync(join(folder, 'cut.jsonl'), 'utf8').split('\n').sort()).toEqual([...lines].sort());
  });

  test('shards are merged into the same; they may be counted from 1', async () => {
    const whole = await report('means.onnx', '--data', 'data');
    for (const i of [1, 2, 3])
      expect(await run('means.onnx', '--data', 'data', '--shard', `${i}/3`, '--records', `${i}.jsonl`)).toMatchObject({
        code: 0,
      });
    expect(numbers(await report('--merge', '1.jsonl', '2.jsonl', '3.jsonl'))).toEqual(numbers(whole));
  });

  test('a missing shard is told', async () => {
    const { code, stderr, stdout } = await run('--merge', '3.jsonl', '1.jsonl', '--json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/4 of 12 images are in none of the records/);
    expect((JSON.parse(stdout) as Report).images).toEqual({ of: 12, evaluated: 8, broken: 0 });
    expect((await run('--merge', '3.jsonl', '--strict')).code).toBe(1);
  });

  test.each([
    [['--merge', '3.jsonl', '3.jsonl'], /which 3\.jsonl has too/],
    [['--merge', '3.jsonl', 'whole.jsonl'], /of another evaluation/],
    [['--merge', 'labels.txt'], /no records of cnnx eval/],
    [['means.onnx', '--data', 'data', '--records', 'whole.jsonl'], /another evaluation/],
    [['means.onnx', '--data', 'data', '--records', 'labels.txt'], /no records of cnnx eval/],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(readFileSync(join(folder, 'labels.txt'), 'utf8')).toBe('red\ngreen\nblue\n');
  });
});

test('a sample that depends on the seed alone', async () => {
  const r = await report('means.onnx', '--data', 'data', '--limit', '5', '--seed', '1');
  expect(r.images).toEqual({ of: 5, evaluated: 5, broken: 0 });
  expect(sampled(12, 5, 1)).toEqual(sampled(12, 5, 1));
  expect(sampled(12, 5, 1)).not.toEqual(sampled(12, 5, 2));
  expect(new Set(sampled(1000, 300, 7)).size).toBe(300);
});

test('arrays: bytes in any order of axes, or inputs as they are', async () => {
  const npy = (name: string, t: ReturnType<typeof tensor>): void =>
    writeFileSync(join(folder, name), concat(writeNpy(t)));
  const bright = (n: number, c: number): number => (n === c ? 200 : 20);
  const last = Uint8Array.from({ length: 3 * 64 * 3 }, (_, i) => bright(Math.floor(i / 192), i % 3));
  const first = Uint8Array.from({ length: 3 * 64 * 3 }, (_, i) => bright(Math.floor(i / 192), Math.floor(i / 64) % 3));
  npy('last.npy', tensor('uint8', [3, 8, 8, 3], last));
  npy('first.npy', tensor('uint8', [3, 3, 8, 8], first));
  npy('classes.npy', tensor('uint8', [3], Uint8Array.of(0, 1, 2)));
  const floats = Float32Array.from({ length: 9 * 1024 }, (_, i) =>
    bright(Math.floor(i / 3072), Math.floor(i / 1024) % 3),
  );
  npy('floats.npy', tensor('float32', [3, 3, 32, 32], new Uint8Array(floats.buffer)));
  for (const file of ['last.npy', 'first.npy', 'floats.npy'])
    expect((await report('means.onnx', '--data', file, '--truth', 'classes.npy')).models[0]?.top1.correct).toBe(3);
});

describe('what is refused', () => {
  test.each<[string[], RegExp]>([
    [['means.onnx'], /nothing to evaluate on/],
    [['means.onnx', '--data', 'nowhere'], /no such file or folder/],
    [['means.onnx', '--data', 'labels.txt'], /no IDX, \.npy or CIFAR file/],
    [['means.onnx', '--data', 'last.npy'], /last\.npy\[0\] has no class/],
    [['means.onnx', '--data', 'last.npy', '--truth', 'labels.txt'], /neither an IDX nor an \.npy file/],
    [['means.onnx', '--data', 'data', '--shard', '5/4'], /--shard/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBeGreaterThan(1);
    expect(stderr).toMatch(message);
  });
});

describeShared('trained networks', () => {
  const NETS = [
    ['mobilenet_v2_035_fashion', 'mobilenet_v2_035_fashion.json', 'fashion'],
    ['acnet_mnist', 'acnet', 'mnist'],
    ['repvgg_tiny_fashion', 'repvgg_tiny.json', 'fashion'],
    ['efficientnet_b0_035_fashion', 'efficientnet_b0_035_fashion.json', 'fashion'],
  ] as const;
  const build = (net: string, card: string): ReturnType<typeof cnnx> => {
    const path = card.endsWith('.json') ? shared(`zoo/${card}`) : card;
    return cnnx(['build', path, '--weights', shared(`zoo/${net}.pth`), '-o', `${net}.onnx`], { cwd: folder });
  };

  test("say of the first images what they said in torch's own files", async () => {
    const [net, card] = NETS[0];
    await build(net, card);
    const idx = gunzipSync(sharedBytes('zoo/fashion-test-images-idx3-ubyte.gz')).subarray(0, 16 + 256 * 784);
    idx.writeUInt32BE(256, 4);
    const labels = gunzipSync(sharedBytes('zoo/fashion-test-labels-idx1-ubyte.gz')).subarray(0, 8 + 256);
    labels.writeUInt32BE(256, 4);
    writeFileSync(join(folder, 'images.idx'), idx);
    writeFileSync(join(folder, 'labels.idx'), labels);
    const args = [
      'eval',
      `${net}.onnx`,
      '--data',
      'images.idx',
      '--truth',
      'labels.idx',
      '--records',
      'zoo.jsonl',
      '--provider',
      'cpu',
    ];
    expect((await cnnx(args, { cwd: folder })).code).toBe(0);
    const records = readFileSync(join(folder, 'zoo.jsonl'), 'utf8').trim().split('\n').slice(1);
    const said = records.map((line) => (JSON.parse(line) as { best: number[][] }).best[0]?.[0]);
    const bytes = sharedBytes(`zoo/${net}.logits256.f32`);
    const logits = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const expected = Array.from({ length: 256 }, (_, n) => {
      const row = [...logits.subarray(10 * n, 10 * n + 10)];
      return row.indexOf(Math.max(...row));
    });
    expect(said).toEqual(expected);
  });

  test.skipIf(!isFull).each(NETS)(
    '%s: the counts of float_accuracy.json, to the image',
    async (net, card, data) => {
      await build(net, card);
      const truth = (sharedJson('zoo/float_accuracy.json') as Record<string, { images: number; top1: number }>)[net];
      const files = [
        '--data',
        shared(`zoo/${data}-test-images-idx3-ubyte.gz`),
        '--truth',
        shared(`zoo/${data}-test-labels-idx1-ubyte.gz`),
      ];
      await cnnx(['fuse', `${net}.onnx`, '-o', `${net}.fused.onnx`], { cwd: folder });
      const { stdout } = await cnnx(
        ['eval', `${net}.onnx`, `${net}.fused.onnx`, ...files, '--json', '--provider', 'cpu'],
        { cwd: folder },
      );
      const correct = Math.round(((truth?.top1 ?? 0) * (truth?.images ?? 0)) / 100);
      expect((JSON.parse(stdout) as Report).models.map((m) => [m.top1.correct, m.top1.of])).toEqual([
        [correct, truth?.images],
        [correct, truth?.images],
      ]);
    },
    1_200_000,
  );
});
