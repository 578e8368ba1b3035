import { afterAll, describe, expect, test } from 'vitest';
import { checkModel } from '../../src/graph/check.js';
import { parseGraph } from '../../src/text/parse.js';
import { castFeeds, withBoundaryCasts } from '../../src/running/boundary-casts.js';
import { type DType, dtypeCode } from '../../src/tensor/dtype.js';
import { asFloat64, float32Tensor, fromFloat64, tensor } from '../../src/tensor/tensor.js';
import { compareModels } from '../../src/node/api.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

const process = new ProcessRunner({ timeout: 60_000 });
afterAll(() => process.close());

const at = (opset: number, text: string): string => `<ir: ${opset < 25 ? 10 : 12}, opset: ["": ${opset}]>\n${text}`;
const run = async (
  text: string,
  feeds: [string, ReturnType<typeof float32Tensor>][],
): Promise<Map<string, number[]>> => {
  const { model } = withBoundaryCasts(parseGraph(text));
  expect(checkModel(model)).toEqual([]);
  const session = await process.load(model);
  const outputs = await session.run(castFeeds(new Map(feeds)));
  await session.release();
  return new Map(Array.from(outputs, ([name, t]) => [name, [...asFloat64(t)]]));
};

/** The type, an operator set that has it, numbers, and what is left of them by the type's definition. */
const TYPES: readonly [DType, number, readonly number[], readonly number[]][] = [
  // 8 bits of precision: 1 + 2^-9 is nearer to 1.
  ['bfloat16', 13, [1 + 2 ** -9, -2.5, 3.1416015625], [1, -2.5, 3.140625]],
  // 4 bits, at most 448; 3 bits, at most 57344.
  ['float8e4m3fn', 19, [1.0625, -17, 448], [1, -16, 448]],
  ['float8e5m2', 19, [1.1, -9, 57_344], [1, -8, 57_344]],
  ['int4', 21, [7, -8, 3], [7, -8, 3]],
  ['uint4', 21, [15, 0, 3], [15, 0, 3]],
  // Powers of two.
  ['float8e8m0', 24, [1, 0.5, 1024], [1, 0.5, 1024]],
  ['int2', 25, [1, -2, 0], [1, -2, 0]],
];

describe('types that sessions have no tensors of', () => {
  test.each(TYPES)('an output of %s', async (dtype, opset, numbers, left) => {
    const text = at(
      opset,
      `(x: float32[3]) -> (y: ${dtype}[3], z: float32[3])\n y = Cast<to=${dtypeCode(dtype)}>(x)\n z = Cast<to=1>(y)`,
    );
    const outputs = await run(text, [['x', float32Tensor([3], numbers)]]);
    expect(outputs.get('y')).toEqual(left);
    expect(outputs.get('z')).toEqual(left);
  });

  test.each(TYPES.slice(0, 3))('an input of %s', async (dtype, opset, numbers, left) => {
    const text = at(opset, `(x: ${dtype}[3]) -> (y: float32[3], x)\n y = Cast<to=1>(x)`);
    const outputs = await run(text, [['x', float32Tensor([3], numbers)]]);
    expect([...outputs.keys()].sort()).toEqual(['x', 'y']);
    expect(outputs.get('y')).toEqual(left);
  });

  test('tensors of the type itself', () => {
    const given = new Map([['x', fromFloat64('bfloat16', [2], Float64Array.of(1.5, -3))]]);
    const x = castFeeds(given).get('x');
    expect(x).toMatchObject({ dtype: 'float32', shape: [2] });
    expect(x && [...asFloat64(x)]).toEqual([1.5, -3]);
  });

  test('a model that needs nothing is given back itself', () => {
    const model = parseGraph('(x: float32[2], s: string[1]) -> (y, s)\n y = Relu(x)');
    expect(withBoundaryCasts(model).model).toBe(model);
  });

  test.each([
    [
      'an older operator set',
      at(12, '(x: bfloat16[2]) -> (y: float32[2])\n y = Cast<to=1>(x)'),
      /input x is bfloat16\[2\].* opset 12 cannot cast: 13 can/,
    ],
    [
      'a sequence to give',
      '(x: seq(float32[2])) -> (y)\n y = ConcatFromSequence<axis=0>(x)',
      /input x is seq\(float32\[2\]\), which sessions have no tensors of/,
    ],
    [
      'nothing but a sequence to read',
      '(x: float32[2]) -> (y: seq(float32[2]))\n y = SequenceConstruct(x)',
      /output y is seq\(float32/,
    ],
  ])('%s is refused, with the name', (_what, text, words) => {
    expect(() => withBoundaryCasts(parseGraph(text))).toThrow(expect.objectContaining({ code: 'runtime/tensor-type' }));
    expect(() => withBoundaryCasts(parseGraph(text))).toThrow(words);
  });
});

describe('verify', () => {
  const conv = (dtype: DType, scale: number): string =>
    at(
      21,
      `(x: ${dtype}[n,3,8,8]) -> (y: ${dtype}[n,4,6,6])
 f = Cast<to=1>(x)
 c = Conv(f, w: float32[4,3,3,3])
 s = Mul(c, k: float32[1] = [${scale}])
 y = Cast<to=${dtypeCode(dtype)}>(s)`,
    );
  const compare = (a: string, b: string): ReturnType<typeof compareModels> =>
    compareModels(parseGraph(a, { seed: 1 }), parseGraph(b, { seed: 1 }), { runner: process });

  test.each<DType>(['bfloat16', 'float8e4m3fn', 'float8e5m2', 'int4', 'uint4'])(
    '%s outputs are compared',
    async (dtype) => {
      const same = await compare(conv(dtype, 1), conv(dtype, 1));
      expect(same).toMatchObject({ verdict: 'match', outputs: [{ name: 'y', dtype }] });
      const other = await compare(conv(dtype, 1), conv(dtype, 3));
      expect(other.verdict).toBe('mismatch');
    },
  );

  const listed = (k: number): string =>
    `(x: float32[2,3]) -> (y, s: seq(float32[2,3]))\n y = Mul(x, k: float32[1] = [${k}])\n s = SequenceConstruct(x, y)`;

  test('a sequence beside others is named, and the others are compared', async () => {
    const same = await compare(listed(1), listed(1));
    expect(same).toMatchObject({ verdict: 'not verified', outputs: [{ name: 'y' }] });
    expect(same.why).toMatch(/others? .*match, but the output s is seq\(float32\[2,3\]\)/);
    expect((await compare(listed(1), listed(2))).verdict).toBe('mismatch');
  });

  test('given inputs of the type itself', async () => {
    const x = tensor('bfloat16', [1, 3, 8, 8], new Uint8Array(384).fill(64));
    const report = await compareModels(
      parseGraph(conv('bfloat16', 1), { seed: 1 }),
      parseGraph(conv('bfloat16', 1), { seed: 1 }),
      {
        runner: process,
        inputs: [new Map([['x', x]])],
      },
    );
    expect(report.verdict).toBe('match');
  });
});
