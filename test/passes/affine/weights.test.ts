import { expect, test } from 'vitest';
import { Editor } from '../../../src/graph/edit.js';
import { Model } from '../../../src/graph/ir.js';
import { tensorType } from '../../../src/graph/types.js';
import { Add, Conv } from '../../../src/ops/index.js';
import { fuse } from '../../../src/passes/fuse.js';
import { asFloat32, float32Tensor } from '../../../src/tensor/tensor.js';

const CHANNELS = 512;
const TAPS = 9;
const CENTRE = 4;
const KERNEL = CHANNELS * CHANNELS * TAPS;

const pointwiseAt = (block: number): number => 1 + block / 1024;

/** The kernels are stretches of this, each from another element on. */
const POOL = new Float32Array(KERNEL + 100).map((_, i) => ((i * 31) % 257) / 257 - 0.4);

/** Sums of a 3x3 and a 1x1 convolution, 9.4 MB when merged, on inputs of their own; `blocks` says which numbers each has. */
function parallel(blocks: readonly number[]): Model {
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  blocks.forEach((block, i) => {
    const x = edit.addInput(model.graph, `x${i}`, tensorType('float32', [1, CHANNELS, 4, 4]));
    const wide = float32Tensor([CHANNELS, CHANNELS, 3, 3], POOL.subarray(block, block + KERNEL));
    const narrow = float32Tensor([CHANNELS, CHANNELS, 1, 1], new Float32Array(CHANNELS ** 2).fill(pointwiseAt(block)));
    const a = edit.add(
      model.graph,
      Conv,
      { x, w: edit.addInitializer(model.graph, `${i}.wide`, wide) },
      { pads: [1, 1, 1, 1] },
    );
    const b = edit.add(model.graph, Conv, { x, w: edit.addInitializer(model.graph, `${i}.narrow`, narrow) });
    edit.addOutput(model.graph, edit.add(model.graph, Add, { a: a.out.y, b: b.out.y }).out.y);
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
      const added = j % TAPS === CENTRE ? pointwiseAt(i) : 0;
      if (data[j] !== Math.fround((POOL[i + j] ?? 0) + added)) wrong.push(j);
    }
    expect(wrong).toEqual([]);
  }
});
