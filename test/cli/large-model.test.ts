import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkSize } from '../../src/base/bytes.js';
import { exportOnnx } from '../../src/export/onnx.js';
import { Editor } from '../../src/graph/edit.js';
import { Model } from '../../src/graph/ir.js';
import { tensorType } from '../../src/graph/types.js';
import { BatchNormalization, Conv, Relu } from '../../src/ops/index.js';
import { openModel } from '../../src/node/files/model-file.js';
import { writeFile } from '../../src/node/files/write-file.js';
import { saveModel } from '../../src/node/files/save-model.js';
import { asFloat32, float32Tensor, lazyTensor } from '../../src/tensor/tensor.js';
import { MAIN } from '../support/cli.js';
import { isFull } from '../support/shared.js';

const CHANNELS = 512;
const SHAPE = [CHANNELS, CHANNELS, 3, 3];
const KERNEL_BYTES = 4 * CHANNELS * CHANNELS * 9;

/** Prints the peak of the process's memory, in kilobytes, as its last act. */
const PEAK = "process.on('exit', () => process._rawDebug('peak ' + process.resourceUsage().maxRSS))";

/** Convolution, BatchNormalization and Relu, so often. The kernels are zeros, except where somebody writes into the file. */
function chain(blocks: number): Model {
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  let x = edit.addInput(model.graph, 'x', tensorType('float32', [1, CHANNELS, 4, 4]));
  const vector = (name: string, value: number): ReturnType<Editor['addInitializer']> =>
    edit.addInitializer(model.graph, name, float32Tensor([CHANNELS], new Float32Array(CHANNELS).fill(value)));
  for (let i = 0; i < blocks; i++) {
    const weight = lazyTensor('float32', SHAPE, () => new Uint8Array(KERNEL_BYTES));
    const w = edit.addInitializer(model.graph, `${i}.weight`, weight);
    const conv = edit.add(model.graph, Conv, { x, w }, { pads: [1, 1, 1, 1] }).out.y;
    const scale = vector(`${i}.scale`, 3);
    const bias = vector(`${i}.bias`, 1);
    const mean = vector(`${i}.mean`, 0);
    const variance = vector(`${i}.variance`, 4);
    const bn = edit.add(model.graph, BatchNormalization, { x: conv, scale, bias, mean, variance }, { epsilon: 0 });
    x = edit.add(model.graph, Relu, { x: bn.out.y }).out.y;
  }
  edit.addOutput(model.graph, x);
  return model;
}

function cnnx(...args: string[]): { readonly stdout: string; readonly peak: number } {
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(PEAK)}`];
  const run = spawnSync(process.execPath, [...preload, MAIN, ...args], { encoding: 'utf8' });
  expect({ status: run.status, stderr: run.stderr.replace(/peak \d+\s*/, '') }).toEqual({ status: 0, stderr: '' });
  return { stdout: run.stdout, peak: 1024 * Number(/peak (\d+)/.exec(run.stderr)?.[1]) };
}

describe.runIf(isFull)('models larger than memory likes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cnnx-large-'));
  const path = join(folder, 'm.onnx');
  const blocks = 640;

  // A side file of 6 GB that takes no space: one number of each kernel is in it, the rest are holes.
  beforeAll(async () => {
    const { model, external = [] } = exportOnnx(chain(blocks), { externalData: { file: 'm.data' } });
    await writeFile(path, model);
    const file = await open(join(folder, 'm.data'), 'w');
    let [at, found] = [0, 0];
    for (const chunk of external) {
      if (chunk instanceof Uint8Array || chunk.size < KERNEL_BYTES) {
        await file.write(chunk instanceof Uint8Array ? chunk : chunk.bytes(), 0, null, at);
      } else {
        await file.write(new Uint8Array(new Float32Array([found / 1024]).buffer), 0, null, at);
        found += 1;
      }
      at += chunkSize(chunk);
    }
    await file.truncate(at);
    await file.close();
    expect(found).toBe(blocks);
    expect(at).toBeGreaterThan(6e9);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('6 GB are inspected without being read', () => {
    const { stdout, peak } = cnnx('inspect', path, '--summary');
    expect(stdout).toContain('6,045,04');
    expect(peak).toBeLessThan(250e6);
  });

  test('6 GB are fused and written with less than 1 GB of memory', async () => {
    const out = join(folder, 'f.onnx');
    const { stdout, peak } = cnnx('fuse', path, '--no-verify', '-o', out);
    expect(stdout).toMatch(/BatchNormalization +640 +0/);
    expect(stdout).toMatch(/weights in .*f\.onnx\.data$/m);
    expect(peak).toBeLessThan(1e9);
    const model = await openModel(out);
    for (const [i, node] of [...model.graph.nodes()].filter((n) => n.opType === 'Conv').entries()) {
      const weight = node.inputs[1]?.initializer?.range;
      if (!weight || i % 50 !== 0) continue;
      const data = asFloat32({ dtype: 'float32', shape: [2], byteLength: 8, bytes: () => weight.slice(0, 8).bytes() });
      expect([...data]).toEqual([Math.fround((i / 1024) * 1.5), 0]);
    }
  }, 600_000);

  test('a model beyond 2 GiB gets a side file by itself, and the command says so', async () => {
    const own = join(folder, 'own.onnx');
    const saved = await saveModel(chain(230), own);
    expect(saved).toEqual({ path: own, side: `${own}.data`, tooLarge: true });
    expect(statSync(`${own}.data`).size).toBeGreaterThan(2 ** 31);
    expect(statSync(own).size).toBeLessThan(1e6);
  });
});
