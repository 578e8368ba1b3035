import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { writeNpy } from '../../../src/formats/npy.js';
import { readInputFolder } from '../../../src/node/files/tensor-files.js';
import { asFloat64, float32Tensor, type Tensor } from '../../../src/tensor/tensor.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-inputs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const npy = (name: string, ...values: number[]): void =>
  writeFileSync(join(folder, name), concat(writeNpy(float32Tensor([values.length], values))));
const pb = (name: string, tensorName: string | undefined, ...values: number[]): void =>
  writeFileSync(
    join(folder, name),
    onnx.TensorProto.encode({ name: tensorName ?? '', dims: [values.length], dataType: 1, floatData: values }).finish(),
  );
const numbers = (runs: readonly ReadonlyMap<string, Tensor>[]): unknown =>
  runs.map((run) => Object.fromEntries([...run].map(([name, t]) => [name, [...asFloat64(t)]])));

test('.npy files by the name of the input', () => {
  npy('x.npy', 1, 2);
  npy('a b.npy', 3);
  expect(numbers(readInputFolder(folder, ['x', 'a b']))).toEqual([{ x: [1, 2], 'a b': [3] }]);
});

test("ONNX's test data: by the name inside, or by position; outputs are passed over", () => {
  pb('input_0.pb', 'second', 1);
  pb('input_1.pb', 'first', 2);
  pb('output_0.pb', 'y', 9);
  expect(numbers(readInputFolder(folder, ['first', 'second']))).toEqual([{ first: [2], second: [1] }]);
  pb('input_0.pb', undefined, 1);
  pb('input_1.pb', undefined, 2);
  expect(numbers(readInputFolder(folder, ['first', 'second']))).toEqual([{ first: [1], second: [2] }]);
});

test('folders inside are runs of their own', () => {
  for (const run of ['test_data_set_0', 'test_data_set_1']) mkdirSync(join(folder, run));
  pb('test_data_set_0/input_0.pb', 'x', 1);
  pb('test_data_set_1/input_0.pb', 'x', 2);
  expect(numbers(readInputFolder(folder, ['x']))).toEqual([{ x: [1] }, { x: [2] }]);
});

test.each<[string, () => void, RegExp]>([
  ['no files', () => {}, /holds no \.npy or \.pb files/],
  ['a file for no input', () => npy('z.npy', 1), /z\.npy is for no input/],
  ['an input without a file', () => npy('x.npy', 1), /no file for the inputs y/],
])('%s: refused, by name', (_what, make, words) => {
  make();
  expect(() => readInputFolder(folder, ['x', 'y'])).toThrow(expect.objectContaining({ code: 'verify/inputs' }));
  expect(() => readInputFolder(folder, ['x', 'y'])).toThrow(words);
});

test('a folder that is not there', () => {
  expect(() => readInputFolder(join(folder, 'absent'), ['x'])).toThrow(
    expect.objectContaining({ code: 'io/not-found' }),
  );
});
