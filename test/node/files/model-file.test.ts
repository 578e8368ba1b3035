import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Editor } from '../../../src/graph/edit.js';
import { parseGraph } from '../../../src/text/parse.js';
import { cloneModel } from '../../../src/graph/clone.js';
import { fileOf, openModel } from '../../../src/node/files/model-file.js';
import { saveModel } from '../../../src/node/files/save-model.js';

const folder = mkdtempSync(join(tmpdir(), 'cnnx-model-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a clone of an opened model is in the same file, until it is edited', async () => {
  const path = join(folder, 'm.onnx');
  await saveModel(parseGraph('(x: float32[2]) -> (y)\n y = Relu(x)'), path);
  const model = await openModel(path);
  const clone = cloneModel(model);
  expect(fileOf(clone)).toBe(path);
  new Editor(model).nameGraph(model.graph, 'other');
  expect(fileOf(model)).toBeUndefined();
  expect(fileOf(cloneModel(model))).toBeUndefined();
  expect(fileOf(clone)).toBe(path);
});
