import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Model, openModel } from '../src/index.js';
import { run } from './measure.js';
import { LATENCY_NETS, ZOO_NETS } from './quantize-nets.js';
import { openDataset } from '../src/node/files/dataset.js';
import { startRunner } from '../src/node/machine/process-runner.js';
import { imageInput, stepsFor } from '../src/running/image-inputs.js';
import { randomData } from '../src/running/random-data.js';
import { PATIENT } from '../src/running/runner.js';
import { imageTensor } from '../src/tensor/image-tensor.js';
import { prepareImage } from '../src/tensor/preprocess.js';
import { quantizeModel } from '../src/tasks/quantize.js';

/*
 * What `cnnx quantize` gains and costs. Accuracy: small trained networks with their test sets, in a folder that is named (`npm run bench -- quantize ZOO`), beside
 * what onnxruntime 1.30's Python tool makes of them (U8S8, per channel, 256 images). Speed: networks with golden weights, one thread, the least of
 * many runs in turns, beside the ratio of that tool's default.
 */

const line = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
const head = (cells: readonly string[]): void => {
  line(cells);
  line(cells.map((_, i) => (i === 0 ? '---' : '---:')));
};

const CLI = fileURLToPath(new URL('../bundle/cli/main.cjs', import.meta.url));

async function built(args: readonly string[], folder: string): Promise<Model> {
  const path = join(folder, `${basename(args[0] ?? '')}.onnx`);
  await run([CLI, 'build', ...args, '-o', path], folder);
  return openModel(path);
}

async function accuracy(zoo: string, folder: string): Promise<void> {
  head([
    'trained net',
    'drop of top-1',
    'tool',
    'SQNR dB',
    'tool',
    'agreement %',
    'file',
    'bits lost',
    'proven',
    'latency',
  ]);
  for (const { name, card, data, tool } of ZOO_NETS) {
    const checkpoint = join(zoo, `${name}.pth`);
    if (!existsSync(checkpoint)) continue;
    const model = await built(
      [card === undefined ? 'acnet' : join(zoo, `${card}.json`), '--weights', checkpoint],
      folder,
    );
    const runner = startRunner(PATIENT);
    try {
      const session = await runner.load(model, { threads: 1 });
      const input = imageInput(session.inputs);
      const { steps } = stepsFor(model, input);
      const open = (part: string, truth?: string) =>
        openDataset(join(zoo, `${data}-${part}-images-idx3-ubyte.gz`), {
          input: input.name,
          rank: 4,
          truth,
          fromImage: (image) => imageTensor([prepareImage(image, steps)], steps, input),
        });
      const r = await quantizeModel(model, {
        runner,
        startRunner,
        calibration: open('calib'),
        evaluation: open('test', join(zoo, `${data}-test-labels-idx1-ubyte.gz`)),
      });
      const { top1, agreement, sqnr } = r.measured;
      line([
        name,
        top1 ? (top1.float.percent - top1.int8.percent).toFixed(2) : '-',
        tool.drop.toFixed(2),
        [...sqnr.values()].map((x) => x.toFixed(1)).join(),
        tool.sqnr.toFixed(1),
        agreement?.percent.toFixed(2) ?? '-',
        r.ratio.bytes.toFixed(3),
        r.overflow.bits.toFixed(2),
        r.overflow.proven ? 'yes' : 'no',
        r.ratio.latency?.toFixed(2) ?? '-',
      ]);
    } finally {
      runner.close();
    }
  }
}

async function speed(names: readonly string[], folder: string): Promise<void> {
  head(['golden net', 'float ms', 'int8 ms', 'ratio', "tool's default", 'file', 'bits lost', 'no integer kernel']);
  for (const { name, tool } of LATENCY_NETS) {
    if (names.length > 0 && !names.includes(name)) continue;
    const model = await built([name, '--init', 'golden'], folder);
    const runner = startRunner(PATIENT);
    try {
      const calibration = await randomData(model, 8, 0, runner);
      const r = await quantizeModel(model, { runner, startRunner, calibration, random: true });
      line([
        name,
        r.float.ms?.toFixed(2) ?? '-',
        r.int8.ms?.toFixed(2) ?? '-',
        r.ratio.latency?.toFixed(2) ?? '-',
        tool.toFixed(2),
        r.ratio.bytes.toFixed(3),
        r.overflow.bits.toFixed(2),
        String(r.islands.length),
      ]);
    } finally {
      runner.close();
    }
  }
}

/** `words`: a folder with the trained networks, or names of golden ones; all of the latter if none is given. */
export async function benchQuantize(words: readonly string[], folder: string): Promise<void> {
  const folders = words.filter((w) => existsSync(w));
  for (const zoo of folders) await accuracy(zoo, folder);
  const names = words.filter((w) => !existsSync(w));
  if (names.length > 0 || folders.length === 0) await speed(names, folder);
}
