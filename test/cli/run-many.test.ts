import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readCsv } from '../../src/formats/csv.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { imagePaths } from '../../src/node/files/image-paths.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-many-'));
  mkdirSync(join(folder, 'photos', 'more', 'deep'), { recursive: true });
  const place = (name: string, to: string): void =>
    copyFileSync(fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url)), join(folder, 'photos', to));
  place('landscape.jpg', 'b.jpg');
  place('grass.png', 'a.png');
  place('grass.png', 'more/deep/c.PNG');
  place('small.png', 'more/[x].png');
  writeFileSync(join(folder, 'photos', 'more', 'broken, "quoted".jpg'), 'nothing');
  writeFileSync(join(folder, 'photos', 'notes.txt'), 'no image');
  // The mean of each colour is a class's score; two images at a time.
  const text = '(image: float32[2,3,32,32]) -> (scores)\n p = GlobalAveragePool(image)\n scores = Flatten(p)';
  writeFileSync(join(folder, 'means.onnx'), concat(writeOnnx(parseGraph(text))));
  writeFileSync(join(folder, 'names.txt'), 'red\ngreen\nblue\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('files that arguments name', () => {
  const names = (...args: string[]): readonly string[] =>
    imagePaths(args.map((a) => join(folder, a))).map((p) => p.slice(folder.length + 1).replaceAll('\\', '/'));

  test.each<[string[], string[]]>([
    [['photos'], ['a.png', 'b.jpg', 'more/[x].png', 'more/broken, "quoted".jpg', 'more/deep/c.PNG']],
    [['photos/*.jpg'], ['b.jpg']],
    [['photos/?.*'], ['a.png', 'b.jpg']],
    [['photos/**/*.[pP][nN][gG]'], ['a.png', 'more/[x].png', 'more/deep/c.PNG']],
    [['photos/**/deep/*'], ['more/deep/c.PNG']],
    [
      ['photos/more/[x].png', 'photos/b.jpg'],
      ['more/[x].png', 'b.jpg'],
    ],
    [['photos/absent.jpg'], ['absent.jpg']],
  ])('%j', (args, files) => expect(names(...args)).toEqual(files.map((f) => `photos/${f}`)));

  test.each(['photos/*.gif', 'absent/**/*.png'])('%s fits nothing, which is an error', (pattern) =>
    expect(() => names(pattern)).toThrow(expect.objectContaining({ code: 'io/not-found' })),
  );
});

describe('one line for each image', () => {
  const run = (...args: string[]): ReturnType<typeof cnnx> =>
    cnnx(
      [
        'run',
        'means.onnx',
        '--provider',
        'cpu',
        '--labels',
        'names.txt',
        '--resize',
        '32,32',
        '--mean',
        '0',
        '--std',
        '1',
        ...args,
      ],
      { cwd: folder },
    );

  test('as a table', async () => {
    const { code, stdout, stderr } = await run('--image', 'photos', '--format', 'csv', '--top', '2');
    const [head, ...rows] = readCsv(stdout);
    expect(head).toEqual([
      'image',
      'error',
      'class_1',
      'label_1',
      'probability_1',
      'class_2',
      'label_2',
      'probability_2',
    ]);
    expect(rows.map((r) => r[0])).toEqual(imagePaths([join(folder, 'photos')]).map((p) => p.slice(folder.length + 1)));
    expect(rows.slice(0, 2).map((r) => r.slice(1, 4))).toEqual([
      ['', '1', 'green'],
      ['', '2', 'blue'],
    ]);
    expect(rows[3]?.[1]).toMatch(/it is no JPEG, PNG or WebP/);
    expect(stderr).toMatch(/broken, "quoted"\.jpg/);
    expect(code).toBe(2);
  });

  test('as JSON, the same as without --format', async () => {
    const lines = (await run('--image', 'photos/*.*g', '--format', 'jsonl')).stdout.trim().split('\n');
    const shown = await run('--image', 'photos/a.png', 'photos/b.jpg');
    const best = lines.map(
      (line) => (JSON.parse(line) as { classes: { label: string; probability: number }[] }).classes[0],
    );
    expect(lines).toHaveLength(2);
    for (const b of best)
      expect(shown.stdout).toMatch(new RegExp(`${(100 * (b?.probability ?? 0)).toFixed(2)} % .*${b?.label}`));
  });

  test('without images there is nothing to print', async () => {
    expect(await run('--format', 'csv')).toMatchObject({ code: 2, stdout: '' });
  });
});
