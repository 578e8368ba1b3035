import { afterAll, expect, test } from 'vitest';
import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';
import { describeShared, sharedBytes } from '../support/shared.js';

const runner = new ProcessRunner({ timeout: 60_000 });
afterAll(() => runner.close());

const publicModel = (file: string): ReturnType<typeof readOnnx> =>
  readOnnx(sharedBytes(`reference/public/${file}.onnx`));

describeShared('models after public reports get inputs that they can take', () => {
  test.each([
    ['F_one-name-two-axes', 2],
    ['F_batch-one-only', 1],
    ['F_long-sequence', 2],
  ])('%s', async (file, batch) => {
    const report = await compareModels(publicModel(file), publicModel(file), { runner });
    expect(report.verdict).toBe('match');
    expect(report.inputs[0]?.shape[0]).toBe(batch);
  });

  test('F_declared-output: a Reshape to a shape that is an input cannot be left out', async () => {
    const reference = publicModel('F_declared-output');
    expect((await compareModels(reference, publicModel('F_declared-output'), { runner })).verdict).toBe('match');
    const without = cloneModel(reference);
    const edit = new Editor(without);
    for (const node of without.graph.nodes()) {
      const [x] = node.inputs;
      const [y] = node.outputs;
      if (node.opType === 'Reshape' && x && y) edit.replaceUses(y, x);
    }
    expect((await compareModels(reference, without, { runner })).verdict).toBe('mismatch');
  });
});
