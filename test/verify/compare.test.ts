import { afterAll, describe, expect, test } from 'vitest';
import { parseGraph } from '../../src/text/parse.js';
import type { Model } from '../../src/graph/ir.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { type VerifyReport, verifyReportText } from '../../src/verify/index.js';
import { type CompareOptions, compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

const process = new ProcessRunner({ timeout: 60_000 });
afterAll(() => process.close());

const model = (text: string): Model => parseGraph(text, { seed: 1 });
const compare = (a: string, b: string, options: CompareOptions = {}): Promise<VerifyReport> =>
  compareModels(model(a), model(b), { runner: process, ...options });

const conv = '(x: float32[n,3,8,8]) -> (y)\n y = Conv(x, w: float32[4,3,3,3])';

describe('what can be compared', () => {
  test.each([
    [
      'an input of another type',
      '(x: float16[n,3,8,8]) -> (y)\n y = Conv(x, w: float16[4,3,3,3])',
      [/x is float32.*float16/],
    ],
    [
      'an input of another shape',
      '(x: float32[n,3,9,8]) -> (y)\n y = Conv(x, w: float32[4,3,3,3])',
      [/x is float32\[n,3,8,8\].*\[n,3,9,8\]/],
    ],
    [
      'an output more',
      '(x: float32[n,3,8,8]) -> (y, v)\n y = Conv(x, w: float32[4,3,3,3])\n v = Relu(y)',
      [/v .*only in the second/],
    ],
  ])('%s is refused, and named', async (_what, other, words) => {
    const attempt = compare(conv, other);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'verify/interface', exitCode: 2 }));
    for (const w of words) await expect(attempt).rejects.toThrow(w);
  });

  test('names that differ: by position with a note, or as they are mapped', async () => {
    const other = '(z: float32[n,3,8,8]) -> (v)\n y = Conv(z, w: float32[4,3,3,3])\n v = Identity(y)';
    const report = await compare(conv, other);
    expect(report.verdict).toBe('match');
    expect(report.warnings).toEqual([
      expect.stringMatching(/^input x is taken for z of the second model, by position/),
      expect.stringMatching(/^output y is taken for v/),
    ]);
    const two = (a: string, b: string): string => `(x: float32[2]) -> (${a}, ${b})\n ${a} = Relu(x)\n ${b} = Neg(x)`;
    expect((await compare(two('a', 'b'), two('b', 'a'))).verdict).toBe('mismatch');
    const map = new Map([
      ['a', 'b'],
      ['b', 'a'],
    ]);
    expect(await compare(two('a', 'b'), two('b', 'a'), { map })).toMatchObject({ verdict: 'match', warnings: [] });
    await expect(compare(conv, conv, { map: new Map([['y', 'q']]) })).rejects.toThrow(
      /second model has no input or output q/,
    );
  });

  test('a free size agrees with a fixed one', async () => {
    const fixed = conv.replace('[n,', '[2,');
    expect((await compare(conv, fixed)).verdict).toBe('match');
  });
});

describe('the verdict', () => {
  test('other weights are a mismatch in the only layer', async () => {
    const other = parseGraph(conv, { seed: 2 });
    const report = await compareModels(model(conv), other, { runner: process });
    expect(report.verdict).toBe('mismatch');
    expect(report.first).toMatchObject({ value: 'y', op: 'Conv' });
    expect(verifyReportText(report)).toMatch(/DIFFERS[\s\S]*first difference, on input \d: channel \d of y/);
  });

  test('noise of the last bits is none', async () => {
    // x + x + x + x rounds as 4 x does; 0.1 x ten times does not round as x does.
    const sums = `(x: float32[4,5]) -> (y)\n a = Mul(x, c: float32[] = [0.1])\n${Array.from({ length: 9 }, (_, i) => ` s${i} = Add(${i === 0 ? 'a' : `s${i - 1}`}, a)`).join('\n')}\n y = Identity(s8)`;
    const report = await compare('(x: float32[4,5]) -> (y)\n y = Identity(x)', sums);
    expect(report.verdict).toBe('match');
    expect(report.outputs[0]?.maxAbs).toBeGreaterThan(0);
  });

  test('a constant off by one part in ten thousand is not noise', async () => {
    const scale = (c: string): string => `(x: float32[4,5]) -> (y)\n y = Mul(x, c: float32[] = [${c}])`;
    expect((await compare(scale('1'), scale('1.0001'))).verdict).toBe('mismatch');
    expect((await compare(scale('1'), scale('1.0001'), { rtol: 1e-3 })).verdict).toBe('match');
    expect((await compare(scale('1'), scale('1.000001'), { rtol: 1e-8 })).verdict).toBe('mismatch');
  });

  // Around 2^23 float32 numbers are 1 apart, which the BatchNormalization makes the whole result; onnxruntime's optimiser folds it away.
  const cancelling = (bias: number, mean: number): string =>
    `(x: float32[1,3,8,8]) -> (y)
 c = Conv(x, w: float32[2,3,3,3], b: float32[2] = [${bias}, ${bias}])
 y = BatchNormalization(c, g: float32[2] = [1,1], o: float32[2] = [0,0], m: float32[2] = [${mean},${mean}], v: float32[2] = [1,1])`;

  test('a reference that is further from itself than its type allows is no evidence', async () => {
    const noisy = cancelling(2 ** 23, 2 ** 23);
    const report = await compare(noisy, cancelling(0, 0));
    expect(report.verdict).toBe('not verified');
    expect(report.why).toMatch(/y differs by .* but the first model moves by/);
    expect((await compare(noisy, cancelling(100, 0))).verdict).toBe('mismatch');
  });

  test('an overflow that one rounding decides is none; one that takes more is', async () => {
    const scaled = (k: number, c = 65504): string =>
      `(x: float16[4]) -> (y)\n z = Mul(x, o: float16[4] = [0,1,1,1])\n a = Add(z, c: float16[4] = [${c}, 1, 2, 3])\n y = Mul(a, k: float16[] = [${k}])`;
    const infinite = scaled(1 + 2 ** -10);
    expect((await compare(infinite, scaled(1))).verdict).toBe('match');
    expect((await compare(scaled(1), infinite)).verdict).toBe('match');
    expect((await compare(infinite, scaled(1, 40_000))).verdict).toBe('mismatch');
    expect((await compare(infinite, scaled(1, 20_000))).verdict).toBe('mismatch');
    expect((await compare(infinite, scaled(-1))).verdict).toBe('mismatch');
  });

  test('one element that is off is seen where the rest hides it', async () => {
    const vector = (v: number): string =>
      `(x: float32[1,400]) -> (y)\n h = Mul(x, z: float32[] = [0])\n b = Add(h, one: float32[] = [1])\n y = Add(b, c: float32[400] = [${[v, ...Array.from({ length: 399 }, () => 0)].join(',')}])`;
    const report = await compare(vector(0), vector(5e-5));
    expect(report.outputs[0]?.rmsRelative).toBeLessThan(1e-5);
    expect(report.verdict).toBe('mismatch');
    expect(report.outputs[0]?.mismatch).toMatch(/largest difference/);
  });

  test('NaN and infinity have to stand in the same places', async () => {
    const log = '(x: float32[10,10]) -> (y)\n y = Log(x)';
    expect((await compare(log, log)).verdict).toBe('match');
    const clipped = '(x: float32[10,10]) -> (y)\n c = Clip(x, lo: float32[] = [1e-30])\n y = Log(c)';
    const report = await compare(log, clipped);
    expect(report.verdict).toBe('mismatch');
    expect(report.outputs[0]?.mismatch).toMatch(/NaN or infinity/);
  });

  test('integers, booleans and strings are equal or not', async () => {
    const round = (op: string): string => `(x: float32[50]) -> (y)\n r = ${op}(x)\n y = Cast<to=7>(r)`;
    expect((await compare(round('Floor'), round('Floor'))).verdict).toBe('match');
    const report = await compare(round('Floor'), round('Ceil'));
    expect(report.outputs[0]).toMatchObject({ dtype: 'int64', mismatch: expect.stringMatching(/not equal/) as string });
    const less = (op: string): string => `(x: float32[50]) -> (y)\n y = ${op}(x, z: float32[] = [0])`;
    expect((await compare(less('Less'), less('LessOrEqual'))).verdict).toBe('match');
    expect((await compare(less('Less'), less('Greater'))).verdict).toBe('mismatch');
    const words = '(x: string[3]) -> (y)\n y = Identity(x)';
    expect((await compare(words, words)).outputs[0]).toMatchObject({ dtype: 'string', unequal: 0 });
  });

  test('float16 has a tolerance of its own', async () => {
    const half = (c: string): string =>
      `(x: float16[4,64]) -> (y)\n a = Mul(x, c: float16[] = [3])\n y = Mul(a, d: float16[] = [${c}])`;
    expect((await compare(half('0.3333'), '(x: float16[4,64]) -> (y)\n y = Mul(x, c: float16[] = [1])')).verdict).toBe(
      'match',
    );
    expect((await compare(half('0.34'), '(x: float16[4,64]) -> (y)\n y = Mul(x, c: float16[] = [1])')).verdict).toBe(
      'mismatch',
    );
  });
});

describe('what cannot be verified', () => {
  test('a random operator', async () => {
    const random = '(x: float32[4]) -> (y)\n r = RandomNormalLike@noise(x)\n y = Add(x, r)';
    const report = await compare(random, random);
    expect(report).toMatchObject({ verdict: 'not verified', why: 'random operator RandomNormalLike noise' });
  });

  test('an unknown operator in both', async () => {
    const odd = '(x: float32[4]) -> (y)\n y = my.domain::Frobnicate(x)';
    const report = await compare(odd, odd);
    expect(report.verdict).toBe('not verified');
    expect(report.why).toMatch(/Frobnicate|my\.domain/);
  });

  test('an operator that cannot run in the candidate only is a mismatch', async () => {
    const report = await compare(
      '(x: float32[4]) -> (y)\n y = Relu(x)',
      '(x: float32[4]) -> (y)\n y = my.domain::Frobnicate(x)',
    );
    expect(report.verdict).toBe('mismatch');
    expect(report.why).toMatch(/the first model runs and the second does not/);
  });
});

describe('inputs', () => {
  test('free sizes are chosen so that the model runs, or as the caller says', async () => {
    const flat = '(x: float32[n,1,h,w]) -> (y)\n f = Flatten(x)\n y = Gemm(f, b: float32[784,10])';
    const report = await compare(flat, flat);
    expect(report.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [2, 1, 28, 28] }]);
    const shaped = await compare(flat, flat, { shapes: new Map([['x', [3, 1, 4, 196]]]) });
    expect(shaped.inputs[0]?.shape).toEqual([3, 1, 4, 196]);
    const named = await compare(flat, flat, {
      dims: new Map([
        ['n', 5],
        ['h', 98],
        ['w', 8],
      ]),
    });
    expect(named.inputs[0]?.shape).toEqual([5, 1, 98, 8]);
  });

  test('indices stay within a small table', async () => {
    const gather = '(x: int64[5]) -> (y)\n y = Gather(t: float32[2,3], x)';
    expect((await compare(gather, gather)).verdict).toBe('match');
  });

  test('given inputs are used', async () => {
    const abs = '(x: float32[2]) -> (y)\n y = Abs(x)';
    const relu = '(x: float32[2]) -> (y)\n y = Relu(x)';
    const positive = [new Map([['x', float32Tensor([2], [1, 2])]])];
    expect((await compare(abs, relu, { inputs: positive })).verdict).toBe('match');
    const negative = [new Map([['x', float32Tensor([2], [1, -2])]])];
    expect((await compare(abs, relu, { inputs: negative })).verdict).toBe('mismatch');
    const misfit = [new Map([['x', float32Tensor([3], [1, 2, 3])]])];
    await expect(compare(abs, relu, { inputs: misfit })).rejects.toThrow(
      expect.objectContaining({ code: 'runtime/input' }),
    );
  });

  test('the same seed gives the same report', async () => {
    const other = conv.replace('Conv(', 'Conv<pads=[0,0,0,0]>(');
    expect(await compare(conv, other, { seed: 7 })).toEqual(await compare(conv, other, { seed: 7 }));
  });
});
