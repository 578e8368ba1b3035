import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOnnx } from '../src/formats/onnx/write.js';
import {
  asFloat32,
  concat,
  Editor,
  elementCount,
  lazyTensor,
  Model,
  ops,
  saveModel,
  tensorType,
  type Value,
} from '../src/index.js';
import { seededTensor } from '../src/tensor/seeded.js';

/** A model of `nodes` small nodes in a chain with skips: what reading and checking graphs costs, without weights. */
export function writeLongGraph(folder: string, nodes: number): string {
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  let x = edit.addInput(model.graph, 'x', tensorType('float32', [1, 8]));
  let before = x;
  for (let i = 0; i < nodes; i += 2) {
    const y = edit.add(model.graph, ops.Relu, { x }, {}, { outputs: [`r${i}`] }).out.y;
    const z = edit.add(model.graph, ops.Add, { a: y, b: before }, {}, { outputs: [`a${i}`] }).out.y;
    before = x;
    x = z;
  }
  edit.addOutput(model.graph, x);
  const path = join(folder, `nodes-${nodes}.onnx`);
  writeFileSync(path, concat(writeOnnx(model)));
  return path;
}

/** Channels of a block's convolution: its 3x3 kernel takes 9.4 MB. */
const WIDTH = 512;

/** Random numbers that weights are cut out of, somewhere else for each: made once, since making 6 GB of them would take minutes. */
const POOL = 2 ** 22;

/** More than the kernels' own, so that the values shrink a little from block to block and stay finite however many there are. */
const FAN_IN = 2 ** 15;

/**
 * A chain of blocks, each a 3x3 convolution with BatchNormalization and Relu, whose weights take about `bytes`: unlike each other, not sparse, in a
 * side file. Gives the model's path.
 */
export async function writeLargeModel(
  path: string,
  bytes: number,
  weights: 'side' | undefined = 'side',
): Promise<string> {
  const pool = asFloat32(seededTensor('float32', [POOL / FAN_IN, FAN_IN], 'pool'));
  const kernel = [WIDTH, WIDTH, 3, 3];
  const count = elementCount(kernel);
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  let x = edit.addInput(model.graph, 'x', tensorType('float32', [1, WIDTH, 8, 8]));
  const blocks = Math.ceil(bytes / (4 * (count + 4 * WIDTH)));
  for (let i = 0; i < blocks; i++) {
    const at = (i * 104_729) % POOL;
    const weight = lazyTensor('float32', kernel, () => cut(pool, at, count));
    const w = edit.addInitializer(model.graph, `b${i}.conv.weight`, weight);
    const conv = edit.add(model.graph, ops.Conv, { x, w }, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const statistic = (name: string): Value =>
      edit.addInitializer(model.graph, `b${i}.bn.${name}`, seededTensor('float32', [WIDTH], name, i));
    const bn = edit.add(model.graph, ops.BatchNormalization, {
      x: conv.out.y,
      scale: statistic('weight'),
      bias: statistic('bias'),
      mean: statistic('mean'),
      variance: statistic('variance'),
    });
    x = edit.add(model.graph, ops.Relu, { x: bn.out.y }).out.y;
  }
  edit.addOutput(model.graph, x);
  await saveModel(model, path, { weights });
  return path;
}

/** `count` elements from `at` on, around the end. */
function cut(pool: Float32Array, at: number, count: number): Uint8Array {
  const out = new Float32Array(count);
  const before = Math.min(count, pool.length - at);
  out.set(pool.subarray(at, at + before));
  out.set(pool.subarray(0, count - before), before);
  return new Uint8Array(out.buffer);
}
