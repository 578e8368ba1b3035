import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readImage } from '../../../src/node/files/image-file.js';
import { imageTensor } from '../../../src/tensor/image-tensor.js';
import { imagenetSteps, parseSteps, prepareImage } from '../../../src/tensor/preprocess.js';
import { asFloat64 } from '../../../src/tensor/tensor.js';
import { blackPng } from '../../support/png.js';
import { channelMeans, gridOf, torchvision } from '../../support/torchvision.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/images/${name}`, import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-image-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, v, i) => sum + Math.abs(v - (b[i] ?? 0)), 0) / a.length;
}

// landscape.jpg is made up (a formula and noise); the PNGs beside it are what torchvision 0.14 with Pillow 9.4 makes of it.
test.each([
  ['the shorter side to 256, the middle 224', 'landscape.256-224.png', imagenetSteps(224)],
  [
    'squashed to 224 x 224',
    'landscape.squash.png',
    { ...imagenetSteps(224), resize: [224, 224] as const, crop: undefined },
  ],
])("a photograph becomes torchvision's input: %s", async (_how, golden, steps) => {
  const expected = await readImage(fixture(golden));
  const actual = prepareImage(await readImage(fixture('landscape.jpg')), steps);
  expect([actual.width, actual.height]).toEqual([224, 224]);
  expect(meanDifference(actual.data, expected.data)).toBeLessThan(0.05);
});

describe("a photograph becomes torchvision's tensor", () => {
  test.each(torchvision.samples)('$image for $network', async ({ network, image, mean, grid }) => {
    const steps = parseSteps(JSON.stringify(torchvision.steps[network]));
    const input = imageTensor([prepareImage(await readImage(fixture(image)), steps)], steps, {
      dtype: 'float32',
      channels: 3,
      layout: 'nchw',
    });
    const expected = gridOf(grid);
    const [, , height = 0, width = 0] = input.shape;
    const values = asFloat64(input);
    const { grid: n } = torchvision;
    const place = (i: number): number => Math.floor((i * (height - 1)) / (n - 1));
    // In steps of 1/255, as pixels have them: decoders may round one apart, no more.
    let sum = 0;
    expected.forEach((value, i) => {
      const c = Math.floor(i / (n * n));
      const at = (c * height + place(Math.floor(i / n) % n)) * width + place(i % n);
      sum += Math.abs(value - (values[at] ?? Number.NaN)) * (steps.std[c] ?? Number.NaN) * 255;
    });
    expect(sum / expected.length).toBeLessThan(0.02);
    channelMeans(input).forEach((m, c) =>
      expect(Math.abs(m - (mean[c] ?? Number.NaN)) * (steps.std[c] ?? Number.NaN) * 255).toBeLessThan(0.02),
    );
  });
});

test('PNG, WebP and grey images are read as red, green and blue', async () => {
  const small = await readImage(fixture('small.png'));
  expect([small.width, small.height, small.data.length]).toEqual([97, 131, 97 * 131 * 3]);
  const grey = await readImage(fixture('grey.png'));
  expect(grey.data.length).toBe(200 * 133 * 3);
  for (let i = 0; i < grey.data.length; i += 3)
    expect(grey.data[i] === grey.data[i + 1] && grey.data[i] === grey.data[i + 2]).toBe(true);
  expect((await readImage(fixture('tiny.webp'))).width).toBe(160);
});

describe('what is no image', () => {
  test.each<[string, () => Uint8Array]>([
    ['text', () => Buffer.from('hello, this is text and no image')],
    ['nothing', () => new Uint8Array(0)],
    [
      'an SVG, which sharp would read',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['a truncated JPEG', () => readFileSync(fixture('landscape.jpg')).subarray(0, 20_000)],
    ['a bomb of 30,000 x 30,000 pixels', () => blackPng(30_000, 30_000)],
  ])('%s is refused', async (_what, make) => {
    const path = join(folder, 'image');
    writeFileSync(path, make());
    await expect(readImage(path)).rejects.toThrow(expect.objectContaining({ code: 'image/unreadable', exitCode: 2 }));
  });
});

test.each([
  ['no JSON', '{'],
  ['no usable resize', '{"mean":[0],"std":[1]}'],
  ['no usable resize', '{"resize":1e9,"mean":[0],"std":[1]}'],
  ['no usable crop', '{"resize":8,"crop":-1,"mean":[0],"std":[1]}'],
  ['no known interpolation', '{"resize":8,"interpolation":"lanczos","mean":[0],"std":[1]}'],
  ['no usable mean and std', '{"resize":8,"mean":[0,0,0],"std":[1]}'],
  ['no usable mean and std', '{"resize":8,"mean":[0],"std":[0]}'],
])('metadata that cannot be followed is refused: %s', (words, text) => {
  expect(() => parseSteps(text)).toThrow(expect.objectContaining({ code: 'image/preprocess' }));
  expect(() => parseSteps(text)).toThrow(words);
});
