import { afterAll, describe, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import type { Model } from '../../src/graph/ir.js';
import { isTensorType, typeText } from '../../src/graph/types.js';
import { setDimsChecked } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { describeShared, sharedBytes } from '../support/shared.js';
import { difference } from '../support/rules.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { hashName, streamAt } from '../../src/tensor/seeded.js';

const runner = new ProcessRunner({ timeout: 60_000 });
afterAll(() => runner.close());

const model = (text: string): Model => parseGraph(text, { seed: 1 });
const outputs = (m: Model): string[] => m.graph.outputs.map((v) => typeText(v.type));

/** `count` unlike samples of the only input, by number. */
function samples(m: Model, of: readonly number[]): Float32Array {
  const [x] = m.graph.inputs;
  const shape = isTensorType(x?.type) ? (x.type.shape ?? []) : [];
  const size = elementCount(shape.slice(1).map(Number));
  const data = new Float32Array(of.length * size);
  of.forEach((sample, row) => {
    for (let i = 0; i < size; i++) data[row * size + i] = 2 * streamAt(hashName(`sample ${sample}`), i);
  });
  return data;
}

/** The rows of the first output for these samples, run at once: an outside view of what `setDimsChecked` says. */
async function run(m: Model, of: readonly number[]): Promise<Float32Array[]> {
  const [x] = m.graph.inputs;
  const inner = isTensorType(x?.type) ? (x.type.shape ?? []).slice(1).map(Number) : [];
  const session = await runner.load(m, { optimization: 'disabled', threads: 1 });
  const feeds = new Map([[x?.name ?? '', float32Tensor([of.length, ...inner], samples(m, of))]]);
  const [y] = (await session.run(feeds)).values();
  await session.release();
  const all = y ? new Float32Array(y.bytes().slice().buffer) : new Float32Array(0);
  const size = all.length / of.length;
  return of.map((_, i) => all.slice(i * size, (i + 1) * size));
}

async function expectOpen(text: string, declared: string): Promise<void> {
  const original = model(text);
  const changed = cloneModel(original);
  expect(await setDimsChecked(changed, { batch: 'N' }, { runner })).toMatchObject({ verdict: 'proven' });
  expect(outputs(changed)).toEqual([declared]);
  const together = await run(changed, [7, 8, 9, 10]);
  for (const [i, row] of together.entries()) {
    const [alone = new Float32Array(0)] = await run(original, [7 + i]);
    expect(row.length).toBe(alone.length);
    const d = difference(float32Tensor([row.length], row), float32Tensor([alone.length], alone));
    expect(d.rms).toBeLessThan(1e-6);
  }
}

describe('constants that say the batch are rewritten', () => {
  test.each([
    [
      'a view as one row',
      '(x: float32[1,4,2,2]) -> (y)\n f = Reshape(x, s: int64[2] = [1,-1])\n y = Gemm(f, w: float32[16,5])',
      'float32[N,5]',
    ],
    [
      'channels shuffled',
      '(x: float32[1,8,3,3]) -> (y)\n a = Reshape(x, s: int64[5] = [1,2,4,3,3])\n b = Transpose<perm=[0,2,1,3,4]>(a)\n y = Reshape(b, t: int64[4] = [1,8,3,3])',
      'float32[N,8,3,3]',
    ],
    [
      'windows',
      '(x: float32[1,4,4,3]) -> (y)\n a = Reshape(x, s: int64[6] = [1,2,2,2,2,3])\n b = Transpose<perm=[0,1,3,2,4,5]>(a)\n w = Reshape(b, t: int64[3] = [4,4,3])\n t2 = Transpose<perm=[0,2,1]>(w)\n m = MatMul(w, t2)\n o = MatMul(m, w)\n c = Reshape(o, u: int64[6] = [1,2,2,2,2,3])\n d = Transpose<perm=[0,1,3,2,4,5]>(c)\n y = Reshape(d, v: int64[4] = [1,4,4,3])',
      'float32[N,4,4,3]',
    ],
    [
      'a class token',
      '(x: float32[1,5,4]) -> (y)\n c = Concat<axis=1>(t: float32[1,1,4], x)\n y = MatMul(c, w: float32[4,4])',
      'float32[N,6,4]',
    ],
    [
      'a class token from a constant Expand',
      '(x: float32[1,5,4]) -> (y)\n e = Expand(t: float32[1,1,4], s: int64[3] = [1,1,4])\n y = Concat<axis=1>(e, x)',
      'float32[N,6,4]',
    ],
    [
      'a batch inside of an axis: sequence first, tokens and samples as the rows of a matrix',
      '(x: float32[1,5,4]) -> (y)\n s = Transpose<perm=[1,0,2]>(x)\n m = Reshape(s, a: int64[2] = [5,4])\n g = Gemm(m, w: float32[4,12])\n q = Reshape(g, b: int64[4] = [5,1,3,4])\n p = Transpose<perm=[1,2,0,3]>(q)\n y = Relu(p)',
      'float32[N,3,5,4]',
    ],
    [
      'sizes of a Resize',
      '(x: float32[1,2,4,4]) -> (y)\n y = Resize<mode="linear">(x, _, _, s: int64[4] = [1,2,7,9])',
      'float32[N,2,7,9]',
    ],
    [
      'a pad whose amounts are computed from constants',
      '(x: float32[1,2,4,4]) -> (y)\n a = Reshape(k: int64[8] = [0,0,0,0,0,1,0,2], two: int64[2] = [-1,2])\n t = Transpose(a)\n f = Reshape(t, one: int64[1] = [-1])\n p = Pad(x, f)\n y = Reshape(p, s: int64[2] = [1,-1])',
      'float32[N,60]',
    ],
  ])('%s', async (_, text, declared) => expectOpen(text, declared));

  test('several equal rows of constants become one, and a number is one batch', async () => {
    const text =
      '(x: float32[2,3]) -> (y)\n a = Add(x, c: float32[2,3] = [1,2,3,1,2,3])\n e = Expand(t: float32[1,2], s: int64[2] = [2,2])\n y = Concat<axis=1>(e, a)';
    const changed = model(text);
    expect(await setDimsChecked(changed, { batch: 5 }, { runner })).toMatchObject({
      runs: [{ batch: 5 }, { batch: 5, permuted: true }],
    });
    expect(outputs(changed)).toEqual(['float32[5,5]']);
    const unlike = model(text.replace('[1,2,3,1,2,3]', '[1,2,3,4,5,6]'));
    await expect(setDimsChecked(unlike, { batch: 5 }, { runner })).rejects.toThrow(
      expect.objectContaining({ code: 'sizes/fixed', exitCode: 1 }),
    );
  });

  test('states of inputs have their batch on the second axis', async () => {
    const text =
      '(x: float32[1,5,4], h: float32[1,1,3]) -> (y, z)\n s = Transpose<perm=[1,0,2]>(x)\n y, z = GRU<hidden_size=3>(s, w: float32[1,9,4], r: float32[1,9,3], _, _, h)';
    const changed = model(text);
    expect(await setDimsChecked(changed, { batch: 'N' }, { runner })).toMatchObject({ verdict: 'proven' });
    expect(changed.graph.inputs.map((v) => typeText(v.type)).slice(0, 2)).toEqual(['float32[N,5,4]', 'float32[1,N,3]']);
  });
});

describe('a batch that cannot be', () => {
  test.each([
    [
      'a mean over the batch',
      '(x: float32[1,4]) -> (y)\n m = ReduceMean@middle<axes=[0], keepdims=1>(x)\n y = Sub(x, m)',
      'sizes/mixed',
      /samples mix in middle/,
    ],
    [
      'an open batch that mixes',
      '(x: float32[n,4]) -> (y)\n y = Softmax@sm<axis=0>(x)',
      'sizes/mixed',
      /samples mix in sm/,
    ],
    [
      'a row of the batch',
      '(x: float32[1,4]) -> (y)\n y = Gather@row<axis=0>(x, i: int64[1] = [0])',
      'sizes/fixed',
      /the batch ends in row/,
    ],
    [
      'a network that needs one size',
      '(x: float32[1,4]) -> (y)\n t = Transpose(x)\n y = Gemm@fc(t, w: float32[1,3])',
      'sizes/fixed',
      /fc/,
    ],
    [
      'samples that mix in front of a constant output',
      '(x: float32[1,4]) -> (y)\n m = ReduceMean@middle<axes=[0], keepdims=1>(x)\n d = Sub(x, m)\n y = Mul(d, z: float32[] = [0])',
      'sizes/mixed',
      /middle/,
    ],
    [
      'an operator that is not known here',
      '(x: float32[1,4]) -> (y)\n y = my.domain::Odd(x)',
      'sizes/unproven',
      /could not be shown/,
    ],
    [
      'outputs and values that say nothing',
      '(x: float32[1,4]) -> (y)\n y = Mul(x, z: float32[] = [0])',
      'sizes/unproven',
      /say nothing/,
    ],
  ])('%s', async (_, text, code, words) => {
    const attempt = setDimsChecked(model(text), { batch: 'N' }, { runner });
    await expect(attempt).rejects.toThrow(
      expect.objectContaining({ code, exitCode: code === 'sizes/unproven' ? 3 : 1 }),
    );
    await expect(attempt).rejects.toThrow(words);
  });
});

describeShared('small models after public reports, at another batch', () => {
  test.each(['B1_reshape_view1', 'B2_channel_shuffle', 'R08_batch_lstm_state'])('%s: proven', async (file) => {
    for (const batch of [4, 'N']) {
      const m = readOnnx(sharedBytes(`reference/public/${file}.onnx`));
      expect(await setDimsChecked(m, { batch }, { runner })).toMatchObject({ verdict: 'proven' });
    }
  });

  test.each([
    ['R07a_batch_softmax_axis0', /samples mix in Softmax/],
    ['R07d_batch_shuffle', /samples mix in Reshape that makes y/],
    ['R09_batch_slice_rows', /Slice that makes y/],
  ])('%s: refused, and the node named', async (file, words) => {
    for (const batch of [4, 'N']) {
      const attempt = setDimsChecked(readOnnx(sharedBytes(`reference/public/${file}.onnx`)), { batch }, { runner });
      await expect(attempt).rejects.toThrow(expect.objectContaining({ exitCode: 1 }));
      await expect(attempt).rejects.toThrow(words);
    }
  });
});
