import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropCentre, fitShorterSide, type Image, type Interpolation, resize } from '../../src/tensor/image.js';
import { type ImageForm, imageTensor } from '../../src/tensor/image-tensor.js';
import { imagenetSteps, prepareImage } from '../../src/tensor/preprocess.js';
import { asFloat32, asFloat64 } from '../../src/tensor/tensor.js';

/** An image by formula, the same as was given to Pillow 9.4 and torchvision 0.14 for the hashes below. */
function formula(width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[(y * width + x) * 3 + c] = (x * 37 + y * 59 + c * 101 + ((x * y) % 23) * 11) % 256;
  return { width, height, data };
}

const hash = (image: Image): string => createHash('sha256').update(image.data).digest('hex').slice(0, 16);

/** Width and height before and after, the filter, and the hash of Pillow's pixels. */
const RESIZED: [number, number, number, number, Interpolation, string][] = [
  [37, 23, 16, 9, 'bilinear', 'c8bd1acac536ca84'],
  [37, 23, 16, 9, 'bicubic', 'a4327ebe91b5e901'],
  [37, 23, 16, 9, 'nearest', 'b2474a0b624e0469'],
  [37, 23, 80, 50, 'bilinear', 'fb14da5115ac03f0'],
  [37, 23, 80, 50, 'bicubic', '1f7261bf9aef79bb'],
  [37, 23, 80, 50, 'nearest', 'a56d1b69c001a3d2'],
  [64, 48, 32, 32, 'bilinear', 'c9af32f2011a3550'],
  [64, 48, 32, 32, 'bicubic', '4540a1abc95b641a'],
  [64, 48, 32, 32, 'nearest', 'e6754d0f533671c1'],
  [13, 200, 11, 17, 'bilinear', '6ad8a714e11909d8'],
  [13, 200, 11, 17, 'bicubic', 'b7931bac8f6c50ca'],
  [13, 200, 11, 17, 'nearest', '656d96b11a352e99'],
  [5, 5, 1, 1, 'bilinear', '7c2a8e3ecf0436f2'],
  [5, 5, 1, 1, 'bicubic', '49b698f19caa4765'],
  [5, 5, 1, 1, 'nearest', '9ddc34f3e897cf56'],
  [300, 7, 33, 7, 'bilinear', '0701b3f178067bf7'],
  [300, 7, 33, 7, 'bicubic', 'a94543daf2dffbfc'],
  [300, 7, 33, 7, 'nearest', 'b743d75b9b1cb620'],
];

describe("resizing gives Pillow's pixels, bit for bit", () => {
  test.each(RESIZED)('%i x %i to %i x %i, %s', (width, height, toWidth, toHeight, kind, expected) => {
    expect(hash(resize(formula(width, height), toWidth, toHeight, kind))).toBe(expected);
  });
});

test.each<Interpolation>(['nearest', 'bilinear', 'bicubic'])(
  'a part is computed by itself as within the whole: %s',
  (kind) => {
    const sizes = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(sizes, sizes, sizes, sizes, fc.nat(), fc.nat(), (width, height, toWidth, toHeight, a, b) => {
        const box = { left: a % toWidth, top: b % toHeight, width: 0, height: 0 };
        box.width = 1 + (b % (toWidth - box.left));
        box.height = 1 + (a % (toHeight - box.top));
        const whole = resize(formula(width, height), toWidth, toHeight, kind);
        const part = resize(formula(width, height), toWidth, toHeight, kind, box);
        for (let y = 0; y < box.height; y++) {
          const at = ((box.top + y) * toWidth + box.left) * 3;
          expect(part.data.subarray(y * box.width * 3, (y + 1) * box.width * 3)).toEqual(
            whole.data.subarray(at, at + box.width * 3),
          );
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  },
);

describe('extreme shapes', () => {
  test('the middle of a long strip costs no more than itself', () => {
    const strip = { width: 2, height: 2_000_000, data: new Uint8Array(12_000_000).fill(7) };
    const image = prepareImage(strip, imagenetSteps(224));
    expect(image).toMatchObject({ width: 224, height: 224 });
    expect(image.data.every((v) => v === 7)).toBe(true);
  });

  test.each([
    ['a strip squashed', { ...imagenetSteps(224), resize: [224, 224] as const, crop: undefined }, 2_000_000],
    ['a strip in full', { ...imagenetSteps(224), crop: undefined }, 2_000_000],
    ['an enormous crop', { ...imagenetSteps(224), crop: 1e6 }, 4],
  ])('%s is refused before memory is asked for', (_what, steps, height) => {
    const image = { width: 2, height, data: new Uint8Array(6 * height) };
    expect(() => prepareImage(image, steps)).toThrow(expect.objectContaining({ code: 'image/size', exitCode: 2 }));
  });
});

describe("torchvision's sizes and crops", () => {
  test.each([
    [640, 427, 256, 383, 256],
    [427, 640, 256, 256, 383],
    [100, 333, 224, 224, 745],
    [224, 224, 256, 256, 256],
    [1001, 999, 342, 342, 342],
  ])('the shorter side of %i x %i to %i', (width, height, side, toWidth, toHeight) => {
    const image = { width, height, data: new Uint8Array(0) };
    expect(fitShorterSide(image, side)).toEqual({ width: toWidth, height: toHeight });
  });

  test.each([
    [10, 10, 5, '6c9b8383ba5aff21'],
    [11, 10, 5, 'dad70b82f23cec74'],
    [13, 9, 6, 'c1c365c2e86437c0'],
    [15, 14, 9, '1c1fa940e3303dee'],
    [4, 9, 6, '5ffec1195b49b01c'],
    [7, 7, 10, '66f86fe382f521a0'],
    [15, 6, 9, '9ebde8a0eea9b688'],
  ])('the middle of %i x %i, %i a side', (width, height, side, expected) => {
    expect(hash(cropCentre(formula(width, height), side))).toBe(expected);
  });
});

describe('tensors', () => {
  const two: Image = { width: 2, height: 1, data: Uint8Array.of(255, 0, 51, 0, 102, 153) };

  const planar: ImageForm = { dtype: 'float32', channels: 3, layout: 'nchw' };
  const plain = { mean: [0, 0, 0], std: [1, 1, 1] };

  test('channels come first, scaled, less the mean, by the standard deviation', () => {
    const t = imageTensor([two], { mean: [0, 0.5, 0.2], std: [1, 0.5, 0.1] }, planar);
    expect(t.shape).toEqual([1, 3, 1, 2]);
    const expected = [1, 0, -1, -0.2, 0, 4];
    asFloat32(t).forEach((v, i) => expect(v).toBeCloseTo(expected[i] ?? Number.NaN, 6));
  });

  test('one channel is luma', () => {
    const t = imageTensor([two], { mean: [0], std: [1] }, { ...planar, channels: 1 });
    expect(t.shape).toEqual([1, 1, 1, 2]);
    expect([...asFloat32(t)].map((v) => Math.round(v * 255))).toEqual([82, 77]);
  });

  test.each<[string, Partial<ImageForm>, object, number[], number[]]>([
    ['channels last', { layout: 'nhwc' }, {}, [1, 1, 2, 3], [1, 0, 0.2, 0, 0.4, 0.6]],
    ['blue first', {}, { channels: 'bgr' }, [1, 3, 1, 2], [0.2, 0.6, 0, 0.4, 1, 0]],
    ['another scale', {}, { scale: 1, mean: [5, 0, 1] }, [1, 3, 1, 2], [250, -5, 0, 102, 50, 152]],
    ['bytes as they are', { dtype: 'uint8', layout: 'nhwc' }, {}, [1, 1, 2, 3], [255, 0, 51, 0, 102, 153]],
    ['half floats', { dtype: 'float16' }, { std: [2, 1, 1] }, [1, 3, 1, 2], [0.5, 0, 0, 0.4, 0.2, 0.6]],
  ])('%s', (_what, form, steps, shape, expected) => {
    const t = imageTensor([two], { ...plain, ...steps }, { ...planar, ...form });
    expect(t.shape).toEqual(shape);
    asFloat64(t).forEach((v, i) => expect(v).toBeCloseTo(expected[i] ?? Number.NaN, 3));
  });

  test('images of two sizes are no batch', () => {
    const other: Image = { width: 1, height: 2, data: new Uint8Array(6) };
    expect(() => imageTensor([two, other], plain, planar)).toThrow(/2 x 1 and of 1 x 2/);
  });
});
