import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseGraph } from '../../../src/text/parse.js';
import { fuse } from '../../../src/passes/fuse.js';
import { FileSource, openSource } from '../../../src/node/files/file-source.js';
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

test('written again, a model has one side file: that of the one before is gone, and those of others are not', async () => {
  const own = mkdtempSync(join(folder, 'again-'));
  const path = join(own, 'm.onnx');
  await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  copyFileSync(path, join(own, 'copy.onnx'));
  writeFileSync(join(own, 'm.onnx.0000.data'), 'not ours');
  const second = await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  // The copy still names it.
  expect(existsSync(`${path}.data`)).toBe(true);
  const third = await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  expect(third.side).not.toBe(second.side);
  const sides = ['copy.onnx', 'm.onnx', 'm.onnx.0000.data', 'm.onnx.data', basename(third.side ?? '')];
  expect(readdirSync(own).sort()).toEqual(sides.sort());
  await saveModel(parseGraph(TEXT), path, { weights: 'inline' });
  expect(readdirSync(own).sort()).toEqual(sides.filter((f) => f !== basename(third.side ?? '')));
  expect((await openModel(join(own, 'copy.onnx'))).graph.initializers.size).toBe(5);
});

test('a side file that is being read stays', async () => {
  const path = join(mkdtempSync(join(folder, 'open-')), 'm.onnx');
  const { side = '' } = await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  const held = await openSource(side);
  await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  expect(existsSync(side)).toBe(true);
  if (held instanceof FileSource) held.close();
});

test('a model without one gets none', async () => {
  const out = join(folder, 'plain.onnx');
  expect(await saveModel(parseGraph(TEXT), out)).toEqual({ path: out, side: undefined, tooLarge: false });
});

test('what nothing edited is written byte for byte, its side file under its own name', async () => {
  const [from, to] = [mkdtempSync(join(folder, 'from-')), mkdtempSync(join(folder, 'to-'))];
  const path = join(from, 'm.onnx');
  const { side = '' } = await saveModel(parseGraph(TEXT), path, { weights: 'side' });
  const same = (a: string, b: string): boolean => readFileSync(a).equals(readFileSync(b));
  const model = await openModel(path);
  expect(await saveModel(model, join(to, 'other.onnx'))).toMatchObject({ side: join(to, 'm.onnx.data') });
  expect(same(path, join(to, 'other.onnx')) && same(side, join(to, 'm.onnx.data'))).toBe(true);
  // In the folder of the original both name one file.
  await saveModel(model, join(from, 'twin.onnx'));
  expect(readdirSync(from).sort()).toEqual(['m.onnx', 'm.onnx.data', 'twin.onnx']);
  expect(same(path, join(from, 'twin.onnx'))).toBe(true);
  // Where another file has the name, the weights are laid anew.
  writeFileSync(join(to, 'm.onnx.data'), 'somebody else');
  const third = await saveModel(model, join(to, 'third.onnx'));
  expect(third.side).toBe(join(to, 'third.onnx.data'));
  expect(readFileSync(join(to, 'm.onnx.data'), 'utf8')).toBe('somebody else');
});
