import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseGraph } from '../../../src/text/parse.js';
import { fuse } from '../../../src/passes/fuse.js';
import { openModel } from '../../../src/node/files/model-file.js';
import { saveModel } from '../../../src/node/files/save-model.js';

const folder = mkdtempSync(join(tmpdir(), 'cnnx-save-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const TEXT = `(x: float32[1,4,8,8]) -> (y)
 t = Conv(x, w: float32[8,4,3,3])
 y = BatchNormalization(t, s: float32[8], b: float32[8], m: float32[8], v: float32[8])`;

test('a model that came with a side file keeps one, also when all weights are new', async () => {
  const path = join(folder, 'm.onnx');
  expect(await saveModel(parseGraph(TEXT), path, { weights: 'side' })).toMatchObject({ side: `${path}.data` });
  const model = await openModel(path);
  await fuse(model);
  expect(model.graph.nodeCount).toBe(1);
  const out = join(folder, 'f.onnx');
  expect(await saveModel(model, out)).toEqual({ path: out, side: `${out}.data`, tooLarge: false });
  expect(existsSync(`${out}.data`)).toBe(true);
  const again = await openModel(out);
  expect(again.graph.nodeCount).toBe(1);
});

test('a model without one gets none', async () => {
  const out = join(folder, 'plain.onnx');
  expect(await saveModel(parseGraph(TEXT), out)).toEqual({ path: out, side: undefined, tooLarge: false });
});
