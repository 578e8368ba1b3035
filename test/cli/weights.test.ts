import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { buildArchitecture, findVariant } from '../../src/builders/index.js';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { cnnx } from '../support/cli.js';
import { torchStateDict } from '../support/torch-file.js';

/** The article's network, whose entry k is filled with k / 8; a PyTorch checkpoint, the same as safetensors, and as what a card publishes. */
let folder: string;
let checkpoint: Uint8Array;
const network = buildArchitecture(findVariant('acnet'));
const values = network.stateDict
  .filter((p) => p.dtype === 'float32')
  .map((p, k) => ({ ...p, data: new Float32Array(elementCount(p.shape)).fill(k / 8) }));

afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-weights-'));
  const source = torchStateDict(
    Object.fromEntries(values.map(({ name, shape, data }) => [`module.${name}`, { shape, data }])),
  );
  checkpoint = source.read(0, source.size);
  writeFileSync(join(folder, 'net.pth'), checkpoint);
  const tensors = new Map(values.map(({ name, shape, data }) => [name, float32Tensor(shape, data)]));
  for (const piece of [concat(writeSafetensors({ tensors, metadata: new Map() }))])
    writeFileSync(join(folder, 'net.safetensors'), piece);
  writeFileSync(join(folder, 'page.pth'), '<!DOCTYPE html><html><body>404</body></html>');
  const variant = { averaged: true, imageSize: 28, inChannels: 1, numClasses: 10 };
  const sha256 = createHash('sha256').update(checkpoint).digest('hex').slice(0, 8);
  const card = {
    family: 'mnist',
    variants: { mine: { ...variant, checkpoints: [{ name: 'V1', file: 'mine.pth', sha256 }] } },
  };
  writeFileSync(join(folder, 'card.json'), JSON.stringify(card));
});

/** The initializers of a written model, read by onnx-proto. */
function initializers(file: string): Map<string, number[]> {
  const model = onnx.ModelProto.decode(readFileSync(join(folder, file)));
  return new Map(
    (model.graph?.initializer ?? []).map((t) => {
      const raw = new Uint8Array(t.rawData ?? []);
      return [t.name ?? '', [...new Set(new Float32Array(raw.buffer))]];
    }),
  );
}

function expectWeights(file: string): void {
  const found = initializers(file);
  for (const [k, { name }] of values.entries()) expect([name, found.get(name)]).toEqual([name, [k / 8]]);
}

test('build --weights takes a PyTorch checkpoint, safetensors, and an ONNX model', async () => {
  for (const [from, to] of [
    ['net.pth', 'a.onnx'],
    ['net.safetensors', 'b.onnx'],
    ['a.onnx', 'c.onnx'],
  ] as const) {
    expect(await cnnx(['build', 'acnet', '--weights', from, '-o', to], { cwd: folder })).toMatchObject({
      code: 0,
      stderr: expect.not.stringMatching(/error|warning/) as string,
    });
    expectWeights(to);
  }
  const { metadataProps } = onnx.ModelProto.decode(readFileSync(join(folder, 'a.onnx')));
  expect(Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))).toMatchObject({
    'cnnx.weights': 'net.pth',
  });
  expect(metadataProps.map(({ key }) => key)).not.toContain('cnnx.init');
});

test('what does not fit is a table and exit code 2, and no file', async () => {
  const { code, stdout, stderr } = await cnnx(
    ['build', 'acnet', '--num-classes', '7', '--weights', 'net.pth', '-o', 'no.onnx'],
    { cwd: folder },
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/classifier\.9\.weight +\[10, 512\] +\[7, 512\]/);
  expect(stderr).toMatch(/hint: .*10 classes.*--partial/);
  expect(readdirSync(folder)).not.toContain('no.onnx');
});

test('--partial takes the rest, and names what stays as it starts', async () => {
  const { code, stdout, stderr } = await cnnx(
    ['build', 'acnet', '--num-classes', '7', '--weights', 'net.pth', '--partial', '--json', '-o', 'p.onnx'],
    { cwd: folder },
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: 2 of \d+ entries stay as they start: classifier\.9\.weight, classifier\.9\.bias/);
  expect(JSON.parse(stdout)).toMatchObject({
    weights: { bound: values.length - 2, mismatches: [{ problem: 'shape' }, { problem: 'shape' }] },
  });
});

test.each([
  [['--weights', 'page.pth'], 2, /HTML page/],
  [['--weights', 'absent.pth'], 4, /absent\.pth/],
  [['--weights', 'net.pth', '--pretrained'], 2, /--pretrained/],
  [['--pretrained'], 2, /no trained weights are published for acnet/],
])('build acnet %s: exit code %i', async (args, code, words) => {
  const found = await cnnx(['build', 'acnet', ...args, '-o', 'no.onnx'], { cwd: folder });
  expect(found).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
});

test('--pretrained downloads once, and says what to do where it cannot', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(checkpoint);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const env = {
    XDG_CACHE_HOME: join(folder, 'cache'),
    CNNX_PRETRAINED_MIRROR: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  const build = () => cnnx(['build', 'card.json', '--pretrained', '-o', 'pre.onnx'], { cwd: folder, env });
  expect(await build()).toMatchObject({ code: 0 });
  expectWeights('pre.onnx');
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  expect(await build()).toMatchObject({ code: 0 });
  expect(asked).toBe(1);
  const offline = await cnnx(['build', 'card.json', '--pretrained', '-o', 'no.onnx'], {
    cwd: folder,
    env: { ...env, XDG_CACHE_HOME: join(folder, 'other') },
  });
  expect(offline).toMatchObject({ code: 3, stdout: '' });
  expect(offline.stderr).toMatch(
    /mine\.pth[^]*hint: get http:\/\/127\.0\.0\.1:\d+\/mine\.pth .*other\/cnnx\/checkpoints\/mine\.pth/,
  );
});
