import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { openSamples } from '../src/node/files/samples.js';
import { buildArchitecture, findVariant, imageInput, startRunner, stepsFor } from '../src/index.js';
import { batchFor, prepareSample, runBatch } from '../src/running/classify.js';
import { PATIENT } from '../src/running/runner.js';
import { evaluate } from '../src/tasks/evaluate.js';
import { streamAt } from '../src/tensor/seeded.js';

/*
 * node dist/bench/eval.js [IMAGES]: mobilenet_v2 on JPEGs of 224 x 224, against the same network on tensors that are there already. Both run in turns,
 * in blocks, so that what else the machine does falls on both. Memory is that of this process, which decodes.
 */

const COUNT = Number(process.argv[2] ?? 2000);
const BLOCK = 200;
const SIDE = 224;

const folder = mkdtempSync(join(tmpdir(), 'cnnx-bench-eval-'));
try {
  await writeImages();
  await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function writeImages(): Promise<void> {
  mkdirSync(join(folder, '0'));
  for (let n = 0; n < COUNT; n++) {
    const data = Buffer.alloc(SIDE * SIDE * 3);
    const of = (i: number): number => streamAt(n, i);
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        for (let c = 0; c < 3; c++) {
          const at = (y * SIDE + x) * 3 + c;
          const wave = Math.sin(x * (0.05 + 0.04 * of(1)) + c) + Math.cos(y * (0.05 + 0.04 * of(2)) - c);
          data[at] = Math.max(0, Math.min(255, 128 + 80 * of(3 + c) + 50 * wave + 10 * of(at)));
        }
    const image = sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } });
    await image.jpeg({ quality: 90 }).toFile(join(folder, '0', `${n}.jpg`));
  }
}

async function measure(): Promise<void> {
  const { model } = buildArchitecture(findVariant('mobilenet_v2'), { init: { kind: 'golden' }, batch: 'N' });
  const runner = startRunner(PATIENT);
  const session = await runner.load(model, { threads: Math.max(1, availableParallelism() - 1) });
  const input = imageInput(session.inputs);
  const { steps } = stepsFor(model, input);
  const contender = { file: 'mobilenet_v2', session, input, steps };
  const samples = openSamples(folder);
  const size = batchFor(contender);
  const ready = prepareSample(await samples.read(0), contender);
  const batch = Array.from({ length: size }, () => ready);
  let decoded = 0;
  let floor = 0;
  let cpu = 0;
  const memory: number[] = [];
  for (let at = 0; at < COUNT; at += BLOCK) {
    const indices = Array.from({ length: Math.min(BLOCK, COUNT - at) }, (_, i) => at + i);
    let start = performance.now();
    const before = process.cpuUsage();
    await evaluate([contender], { samples, indices, truth: () => 0, onResults: () => {} });
    decoded += performance.now() - start;
    const used = process.cpuUsage(before);
    cpu += (used.user + used.system) / 1000;
    start = performance.now();
    for (let i = 0; i < indices.length; i += size) await runBatch(session, batch, contender);
    floor += performance.now() - start;
    memory.push(process.memoryUsage.rss() / 2 ** 20);
  }
  runner.close();
  const rate = (ms: number): string => ((1000 * COUNT) / ms).toFixed(1);
  console.log(
    `from JPEGs ${rate(decoded)} images a second, from tensors ${rate(floor)}: ratio ${(floor / decoded).toFixed(3)}`,
  );
  console.log(
    `decoding, resizing and handing over: ${(cpu / COUNT).toFixed(2)} ms of CPU an image, outside the process of the model`,
  );
  const tenth = Math.max(1, Math.floor(memory.length / 10));
  const mean = (list: readonly number[]): string => (list.reduce((s, v) => s + v, 0) / list.length).toFixed(0);
  console.log(
    `memory in MB: first tenth ${mean(memory.slice(0, tenth))}, last tenth ${mean(memory.slice(-tenth))}, most ${Math.max(...memory).toFixed(0)}`,
  );
}
