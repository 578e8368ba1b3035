import { afterAll, describe, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { type CompareOptions, compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { type VerifyReport, verifyReportText } from '../../src/verify/index.js';
import { describeShared, sharedBytes } from '../support/shared.js';

const runner = new ProcessRunner({ timeout: 60_000 });
afterAll(() => runner.close());

const model = (text: string): Model => parseGraph(text, { seed: 1 });
const compare = (a: string, b: string, options: CompareOptions = {}): Promise<VerifyReport> =>
  compareModels(model(a), model(b), { runner, ...options });
const publicModel = (file: string): Model => readOnnx(sharedBytes(`reference/public/${file}.onnx`));

describeShared('models after public reports', () => {
  test('what the optimiser breaks in the reference excuses nothing: training mode', async () => {
    const reference = publicModel('R05_training_batchnorm');
    const candidate = cloneModel(reference);
    const edit = new Editor(candidate);
    // Bias and mean are both zeros. As one initializer the running mean, which onnxruntime writes in place, becomes the bias.
    for (const node of candidate.graph.nodes())
      if (node.opType === 'BatchNormalization') edit.setInput(node, 3, node.inputs[2]);
    const report = await compareModels(reference, candidate, { runner });
    expect(report.outputs[0]?.floor.rmsRelative).toBeGreaterThan(0);
    expect(report.verdict).toBe('mismatch');
    expect((await compareModels(reference, publicModel('R05_training_batchnorm'), { runner })).verdict).toBe('match');
  });

  test('outputs that are zero for every input are no evidence', async () => {
    const [a, b] = [publicModel('R10_a_all_zero'), publicModel('R10_b_all_zero')];
    const report = await compareModels(a, b, { runner });
    expect(report).toMatchObject({
      verdict: 'not verified',
      why: expect.stringMatching(/outputs say nothing: y is 0 throughout/) as string,
    });
    // Where the values before them agree, that is evidence.
    const same = await compareModels(a, publicModel('R10_a_all_zero'), { runner });
    expect(same.verdict).toBe('match');
    expect(same.warnings.join()).toMatch(/outputs say nothing/);
  });
});

describe('outputs that say nothing', () => {
  const tail = (op: string): string => `(x: float32[2,4]) -> (y, z)\n y = ${op}\n z = Relu(x)`;

  test.each([
    ['is NaN throughout', 'Sqrt(n: float32[2,4] = [-1,-1,-1,-1,-1,-1,-1,-1])', 'Mul(x, n: float32[] = [nan])'],
    ['is 0 throughout', '', 'Mul(x, n: float32[] = [0])'],
    ['is empty', '', 'Slice(x, s: int64[1] = [9], e: int64[1] = [9])'],
  ])('one that %s beside another: a match, with a warning', async (why, _, op) => {
    const report = await compare(tail(op), tail(op));
    expect(report.verdict).toBe('match');
    expect(report.warnings.join()).toContain(`the output y ${why}`);
  });

  test('constants by construction, and shapes, are what there is to compare', async () => {
    expect(
      (await compare('(x: float32[2,4]) -> (y)\n y = Shape(x)', '(x: float32[2,4]) -> (y)\n y = Shape(x)')).verdict,
    ).toBe('match');
    const both = '(x: float32[2,4]) -> (y)\n y = Shape(x)';
    expect((await compare(both, both)).warnings).toEqual([]);
  });

  test('the same bias behind dead activations is the same for every input', async () => {
    const dead = (w: string): string =>
      `(x: float32[1,3]) -> (y)\n p = MatMul(x, w: float32[3,2] = [${w}])\n q = Sub(p, big: float32[] = [1000])\n r = Relu(q)\n y = Add(r, b: float32[2] = [1, 2])`;
    expect(await compare(dead('1,2,3,4,5,6'), dead('6,5,4,3,2,1'))).toMatchObject({ verdict: 'not verified' });
    expect((await compare(dead('1,2,3,4,5,6'), dead('1,2,3,4,5,6'))).verdict).toBe('match');
  });
});

describe('a last Sigmoid or Softmax', () => {
  const head = (op: string, bias: number, w = 1): string =>
    `(x: float32[1,8]) -> (y)\n p = Mul(x, w: float32[] = [${w}])\n q = Add(p, b: float32[] = [${bias}])\n y = ${op}(q)`;

  test('that saturates does not hide a fault', async () => {
    const report = await compare(head('Sigmoid', 60), head('Sigmoid', 60.5));
    expect(report).toMatchObject({ verdict: 'mismatch', outputs: [{ name: 'y', below: 'Sigmoid' }] });
    expect(verifyReportText(report)).toContain('y (before its Sigmoid)');
    expect((await compare(head('Softmax', 0, 400), head('Softmax', 0, 401))).verdict).toBe('mismatch');
  });

  test('gives a verdict where it comes to 1e-7, and a Softmax forgets what is added to all', async () => {
    expect((await compare(head('Sigmoid', -16), head('Sigmoid', -16))).verdict).toBe('match');
    expect((await compare(head('Softmax', 0), head('Softmax', 2))).verdict).toBe('match');
    expect((await compare(head('Sigmoid', 0), head('Sigmoid', 2))).verdict).toBe('mismatch');
  });
});

test('the input on which they differ is the one that is bisected, and named', async () => {
  const inputs = [
    [1, 2],
    [3, 4],
    [-1, 5],
  ].map((v) => new Map([['x', float32Tensor([2], v)]]));
  const report = await compare(
    '(x: float32[2]) -> (y)\n a = Abs(x)\n y = Sqrt(a)',
    '(x: float32[2]) -> (y)\n a = Relu(x)\n y = Sqrt(a)',
    { inputs },
  );
  expect(report.first).toMatchObject({ value: 'a', run: 3 });
  expect(verifyReportText(report)).toContain('first difference, on input 3: channel 0 of a');
});

test('a mismatch that no common value shows is said to have no first difference', async () => {
  const report = await compare(
    '(x: float32[2,2]) -> (y)\n y = Identity(x)',
    '(x: float32[2,2]) -> (y)\n y = Transpose(x)',
    {
      inputs: [new Map([['x', float32Tensor([2, 2], [1, 2, 3, 4])]])],
    },
  );
  expect(report.verdict).toBe('mismatch');
  expect(report.first).toMatchObject({ value: 'y' });
});
