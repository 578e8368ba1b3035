import { afterAll, describe, expect, test } from 'vitest';
import { cloneModel } from '../../src/graph/clone.js';
import type { Model } from '../../src/graph/ir.js';
import { imagesIn, type ImageSource, type ImagesInReport } from '../../src/passes/images-in.js';
import { declaredSteps, imageInput } from '../../src/running/image-inputs.js';
import { portsOf } from '../../src/running/required-inputs.js';
import { startRunner } from '../../src/node/machine/process-runner.js';
import { madeImages, proveImagesIn } from '../../src/tasks/prove-images-in.js';
import type { Image } from '../../src/tensor/image.js';
import { imageTensor } from '../../src/tensor/image-tensor.js';
import { imagenetSteps, type ImageSteps, prepareImage } from '../../src/tensor/preprocess.js';
import { asFloat64, tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';

const runner = startRunner();
afterAll(() => runner.close());

const STEPS: ImageSteps = { ...imagenetSteps(28), resize: 32 };

/** A network of one layer, with what stands between its input and that. */
const network = (layer: string, { shape = 'n,3,28,28', type = 'float32', opset = 18 } = {}): Model =>
  parseGraph(`<ir: 8, opset: ["": ${opset}]> (x: ${type}[${shape}]) -> (y)\n ${layer}`, { seed: 3 });
const PADDED = 'y = Conv<pads=[1,1,1,1]>(x, w: float32[4,3,3,3])';
const UNPADDED = 'y = Conv(x, w: float32[4,3,3,3], b: float32[4])';

function put(model: Model, steps: ImageSteps, source: ImageSource): { model: Model; report: ImagesInReport } {
  const copy = cloneModel(model);
  return { report: imagesIn(copy, { input: imageInput(portsOf(model)), steps, source }), model: copy };
}

async function outputs(model: Model, feed: ReturnType<typeof tensor>): Promise<Float64Array> {
  const session = await runner.load(model, { threads: 1, optimization: 'disabled' });
  const y = (await session.run(new Map([['x', feed]]))).get('y');
  await session.release();
  return y ? asFloat64(y) : new Float64Array(0);
}

/** What the model gives for an image with its preprocessing inside, and with ours before it. */
async function both(
  model: Model,
  steps: ImageSteps,
  source: ImageSource,
  image: Image,
): Promise<[Float64Array, Float64Array]> {
  const prepared = prepareImage(image, steps);
  const fed = source === 'network' ? prepared : image;
  const inside = await outputs(
    put(model, steps, source).model,
    tensor('uint8', [1, fed.height, fed.width, 3], fed.data),
  );
  return [inside, await outputs(model, imageTensor([prepared], steps, imageInput(portsOf(model))))];
}

/** A pixel one of 255 steps off moves an output of these networks by less; a wrong mean or order of colours by more. */
const ONE_STEP = 0.03;
/** On equal pixels: float32's rounding of sums of 27 products. */
const ROUNDING = 2e-5;

const apart = ([a, b]: [Float64Array, Float64Array]): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] ?? Number.NaN))), 0);
};

const [lying, upright, small] = madeImages([
  { height: 48, width: 67 },
  { height: 91, width: 40 },
  { height: 20, width: 31 },
]).map((i) => i.image);

describe('a fixed size of images: our pixels, whatever the operator set', () => {
  const cases: [string, Model, Partial<ImageSteps>][] = [
    ['a padded convolution keeps the subtraction', network(PADDED), {}],
    ['an unpadded one takes everything', network(UNPADDED), {}],
    ['before antialiasing was known', network(PADDED, { opset: 13 }), {}],
    ['cubic', network(UNPADDED, { opset: 11 }), { interpolation: 'bicubic' }],
    ['nearest', network(UNPADDED), { interpolation: 'nearest' }],
    ['squashed', network(UNPADDED), { resize: [28, 28], crop: undefined }],
    ['black around a small one', network(UNPADDED), { resize: 23 }],
    [
      'blue first, on another scale',
      network(PADDED),
      { channels: 'bgr', scale: 1, mean: [100, 110, 120], std: [50, 60, 70] },
    ],
    ['depthwise', network('y = Conv<group=3>(x, w: float32[6,1,3,3])'), {}],
    ['grey', network('y = Conv(x, w: float32[4,1,3,3])', { shape: '1,1,28,28' }), { mean: [0.3], std: [0.4] }],
    [
      'channels last',
      network('t = Transpose<perm=[0,3,1,2]>(x)\n y = Conv(t, w: float32[4,3,3,3])', { shape: '1,28,28,3' }),
      {},
    ],
    ['used twice', network('a = Conv(x, w: float32[4,3,3,3])\n b = Conv(x, v: float32[4,3,3,3])\n y = Add(a, b)'), {}],
    ['no convolution', network('y = Relu(x)'), {}],
    ['an output itself', parseGraph('(x: float32[1,3,28,28]) -> (x, y)\n y = Relu(x)'), {}],
  ];
  test.each(cases)('%s', async (_what, model, steps) => {
    const image = small ?? madeImages([])[0]?.image;
    if (!image) throw new Error('no image');
    const source = { height: image.height, width: image.width };
    expect(apart(await both(model, { ...STEPS, ...steps }, source, image))).toBeLessThan(ROUNDING * 10);
  });

  test('half floats', async () => {
    if (!lying) throw new Error('no image');
    const model = network('y = Relu(x)', { type: 'float16' });
    expect(apart(await both(model, STEPS, { height: 48, width: 67 }, lying))).toBeLessThan(2e-3);
  });
});

describe('images of any size', () => {
  test.each<[string, Partial<ImageSteps>]>([
    ['bilinear', {}],
    ['cubic', { interpolation: 'bicubic' }],
    ['nearest', { interpolation: 'nearest' }],
    ['squashed', { resize: [28, 28], crop: undefined }],
    ['black around small ones', { resize: 21 }],
    ['an odd crop', { resize: 33, crop: 28 }],
  ])('%s', async (_what, steps) => {
    for (const image of [lying, upright, small])
      if (image)
        expect(apart(await both(network(UNPADDED), { ...STEPS, ...steps }, 'any', image))).toBeLessThan(ONE_STEP);
  });
});

test('images that have the size already', async () => {
  if (!lying) throw new Error('no image');
  expect(apart(await both(network(PADDED), STEPS, 'network', lying))).toBeLessThan(ROUNDING);
});

describe('what is said of it', () => {
  test('in the report: what was folded', () => {
    expect(put(network(PADDED), STEPS, 'any').report.folded).toEqual({ factor: 1, shift: false });
    expect(put(network(UNPADDED), STEPS, 'any').report.folded).toEqual({ factor: 1, shift: true });
    expect(put(network('y = Relu(x)'), STEPS, 'any').report.folded).toEqual({ factor: 0, shift: false });
  });

  test('in the graph: nothing of the normalisation where all of it is folded', () => {
    const types = (layer: string): string[] =>
      [...put(network(layer), STEPS, 'network').model.graph.nodes()].map((n) => n.opType);
    expect(types(UNPADDED)).toEqual(['Transpose', 'Cast', 'Conv']);
    expect(types(PADDED)).toEqual(['Transpose', 'Cast', 'Sub', 'Conv']);
  });

  test('in the metadata', () => {
    expect(declaredSteps(put(network(PADDED), STEPS, 'any').model)).toEqual({ ...STEPS, inside: 'all' });
    expect(declaredSteps(put(network(PADDED), STEPS, 'network').model)).toEqual({ ...STEPS, inside: 'normalize' });
  });
});

describe('the proof', () => {
  const images = madeImages([{ height: 48, width: 67 }]);
  const source = { height: 48, width: 67 };
  const layer = `a = Conv(x, w: float32[4,3,28,28])\n y = Flatten(a)`;

  test('holds, and says how far', async () => {
    const { model, report } = put(network(layer), STEPS, source);
    const plan = { input: imageInput(portsOf(network(layer))), steps: STEPS, source, pixels: report.pixels };
    const proof = await proveImagesIn(network(layer), model, plan, images, runner);
    expect(proof).toMatchObject({
      holds: true,
      why: [],
      pixels: { different: 0, largest: 0 },
      top5: { same: 1, of: 1 },
    });
  });

  test.each<[string, Partial<ImageSteps>, RegExp]>([
    ['another resize', { resize: 30 }, /a pixel is \d+ of 255 steps off/],
    ['another mean', { mean: [0.5, 0.456, 0.406] }, /the output y/],
    ['another order of colours', { channels: 'bgr' }, /a pixel is/],
  ])('finds %s', async (_what, wrong, why) => {
    const { model, report } = put(network(layer), { ...STEPS, ...wrong }, source);
    const plan = { input: imageInput(portsOf(network(layer))), steps: STEPS, source, pixels: report.pixels };
    const proof = await proveImagesIn(network(layer), model, plan, images, runner);
    expect(proof.holds).toBe(false);
    expect(proof.why.join()).toMatch(why);
  });
});

test.each<[string, Model, Partial<ImageSteps>, ImageSource]>([
  ['bytes already', network('y = Cast<to=1>(x)', { shape: '1,28,28,3', type: 'uint8' }), {}, 'any'],
  ['no antialiasing at any size', network(PADDED, { opset: 17 }), {}, 'any'],
  ['too old', network(PADDED, { opset: 10 }), {}, { height: 40, width: 40 }],
  ['another size than the network takes', network(PADDED), { crop: 30 }, 'any'],
  ['a size that depends on the image', network(PADDED), { crop: undefined }, 'any'],
])('refused: %s', (_what, model, steps, source) =>
  expect(() => put(model, { ...STEPS, ...steps }, source)).toThrow(
    expect.objectContaining({ code: 'convert/images-in' }),
  ),
);
