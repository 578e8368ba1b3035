import { expect, test } from 'vitest';
import { Editor } from '../../../src/graph/edit.js';
import { Model, type Value } from '../../../src/graph/ir.js';
import { tensorType } from '../../../src/graph/types.js';
import { BatchNormalization, Conv } from '../../../src/ops/index.js';
import { fuse } from '../../../src/passes/fuse.js';
import { asFloat32, float32Tensor } from '../../../src/tensor/tensor.js';

const CHANNELS = 512;
const KERNEL = CHANNELS * CHANNELS * 9;
const EPSILON = 1e-5;

const gammaAt = (block: number, o: number): number => 1 + (o + block) / 1024;

/** The kernels are stretches of this, each from another element on. */
const POOL = new Float32Array(KERNEL + 100).map((_, i) => ((i * 31) % 257) / 257 - 0.4);

/** Convolutions of 9.4 MB with BatchNormalizations on inputs of their own; `blocks` says which numbers each has. */
function parallel(blocks: readonly number[]): Model {
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  blocks.forEach((block, i) => {
    const x = edit.addInput(model.graph, `x${i}`, tensorType('float32', [1, CHANNELS, 4, 4]));
    const weight = float32Tensor([CHANNELS, CHANNELS, 3, 3], POOL.subarray(block, block + KERNEL));
    const conv = edit.add(model.graph, Conv, { x, w: edit.addInitializer(model.graph, `${i}.weight`, weight) });
    const vector = (name: string, at: (o: number) => number): Value =>
      edit.addInitializer(
        model.graph,
        `${i}.${name}`,
        float32Tensor(
          [CHANNELS],
          Array.from({ length: CHANNELS }, (_, o) => at(o)),
        ),
      );
    const bn = edit.add(model.graph, BatchNormalization, {
      x: conv.out.y,
      scale: vector('gamma', (o) => gammaAt(block, o)),
      bias: vector('beta', (o) => o),
      mean: vector('mean', () => 0),
      variance: vector('variance', () => 4),
    });
    edit.addOutput(model.graph, bn.out.y);
  });
  return model;
}

// 16 of them take 151 MB, of which 128 MiB are held: the first ones in the file, merged last, are not.
test('weights beyond what is held in memory come out as the others do, and equal ones are still found', async () => {
  const blocks = [0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  const model = parallel(blocks);
  const { after } = await fuse(model);
  expect(Object.fromEntries(after)).toEqual({ Conv: 16 });
  const kernels = [...model.graph.nodes()].map((n) => n.inputs[1]?.initializer);
  expect(kernels[1] === kernels[0]).toBe(true);
  expect(new Set(kernels).size).toBe(15);
  // Compared here, since vitest would look at every byte.
  expect(kernels.map((t) => t?.bytes() === t?.bytes())).toEqual([false, false, ...blocks.slice(2).map(() => true)]);

  for (const i of [0, 2, 15]) {
    const made = kernels[i];
    if (!made) throw new Error(`no kernel ${i}`);
    const data = asFloat32(made);
    expect(data).toHaveLength(KERNEL);
    const wrong: number[] = [];
    for (let j = 0; j < KERNEL; j += 97) {
      const factor = Math.fround(gammaAt(i, Math.floor(j / (CHANNELS * 9)))) / Math.sqrt(4 + Math.fround(EPSILON));
      if (data[j] !== Math.fround((POOL[i + j] ?? 0) * factor)) wrong.push(j);
    }
    expect(wrong).toEqual([]);
  }
});
