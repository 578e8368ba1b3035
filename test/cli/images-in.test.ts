import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

const PHOTOS = ['cat.jpg', 'hopper.jpg', 'landscape.jpg', 'cat.grey.jpg'];
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-images-in-'));
  for (const name of PHOTOS)
    copyFileSync(fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url)), join(folder, name));
  await run('build', 'squeezenet1_1', '--init', 'golden', '--opset', '18', '-o', 'net.onnx');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });

/** The five best classes of each photograph, with their probabilities to four places. */
async function classes(model: string, ...more: string[]): Promise<unknown> {
  const { code, stdout } = await run('run', model, '--image', ...PHOTOS, '--provider', 'cpu', '--json', ...more);
  expect(code).toBe(0);
  const { results } = JSON.parse(stdout) as {
    results: { classes: { index: number; probability: number }[] }[];
  };
  return results.map((r) => r.classes.map((c) => [c.index, c.probability.toFixed(4)]));
}

test('a network with its preprocessing inside says the same of photographs, and nobody does it twice', async () => {
  const { code, stdout } = await run(
    'convert',
    'net.onnx',
    '-o',
    'any.onnx',
    '--images-in',
    'uint8',
    '--image',
    ...PHOTOS,
    '--json',
  );
  expect(code).toBe(0);
  const { imagesIn } = JSON.parse(stdout) as { imagesIn: { shape: unknown; proof: object } };
  expect(imagesIn).toMatchObject({
    shape: [1, 'height', 'width', 3],
    proof: { holds: true, images: PHOTOS, top5: { same: 4, of: 4 } },
  });
  expect(await classes('any.onnx')).toEqual(await classes('net.onnx'));
  await run('convert', 'net.onnx', '-o', 'network.onnx', '--images-in', 'uint8', '--source-size', 'network');
  expect(await classes('network.onnx')).toEqual(await classes('net.onnx'));
});

test('images of another size than the fixed one are refused, unless they are to be resized', async () => {
  await run('convert', 'net.onnx', '-o', 'camera.onnx', '--images-in', 'uint8', '--source-size', '240,320');
  const refused = await run('run', 'camera.onnx', '--image', 'cat.jpg', '--provider', 'cpu');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/takes input uint8\[1,240,320,3\]/);
  expect(await run('run', 'camera.onnx', '--image', 'cat.jpg', '--resize', '240,320')).toMatchObject({ code: 0 });
  const stray = await run('run', 'camera.onnx', '--image', 'cat.jpg', '--mean', '0.5');
  expect(stray).toMatchObject({ code: 2 });
  expect(stray.stderr).toMatch(/pixels as they are/);
});

test('what does not hold is not written', async () => {
  // One unit in the last place of a pixel's value decides everything.
  const text = `<ir: 8, opset: ["": 18]> (x: float32[1,3,8,8]) -> (y)
    f = Flatten(x)
    t = Mul(f, k: float32[1] = [1e7])
    y = Sin(t)`;
  writeFileSync(join(folder, 'chaos.onnx'), concat(writeOnnx(parseGraph(text, { seed: 1 }))));
  const { code, stderr } = await run('convert', 'chaos.onnx', '-o', 'out.onnx', '--images-in', 'uint8');
  expect(stderr).toMatch(/nothing was written/);
  expect(code).toBe(1);
  expect(existsSync(join(folder, 'out.onnx'))).toBe(false);
});
