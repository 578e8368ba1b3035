import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Model } from '../../src/graph/ir.js';
import { CnnxError } from '../../src/base/errors.js';
import { compare, drawFeeds, runInOrt, typed } from './equivalence.js';
import { magnitudes, NAIVE_OPS, ofTensor, runNaive } from './naive/index.js';

/* The reference against onnxruntime, operator by operator, over random attributes. */

const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const list = (n: number, min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(int(min, max), { minLength: n, maxLength: n });
const auto = fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');
const dims = (d: readonly number[]): string => `[${d.join()}]`;
const ints = (d: readonly number[]): string => `int64[${d.length}] = [${d.join()}]`;

const window = int(1, 3).chain((rank) =>
  fc.record({
    rank: fc.constant(rank),
    groups: fc.constantFrom(1, 1, 2, 3),
    width: int(1, 2),
    rows: int(1, 2),
    lengths: list(rank, 5, 8 - rank),
    taps: list(rank, 1, 3),
    strides: list(rank, 1, 3),
    dilations: list(rank, 1, 2),
    pads: list(2 * rank, 0, 1),
    auto,
    bias: fc.boolean(),
    ceil: fc.boolean(),
    padding: fc.boolean(),
    more: list(rank, 0, 1),
  }),
);
type Window = typeof window extends fc.Arbitrary<infer T> ? T : never;

const geometry = (w: Window): string =>
  `strides=${dims(w.strides)}, dilations=${dims(w.dilations)}, ${w.auto === 'NOTSET' ? `pads=${dims(w.pads)}` : `auto_pad="${w.auto}"`}`;
const graph = (input: readonly number[], body: string): string => `(x: float32${dims(input)}) -> (y)\n ${body}`;

const convText = (w: Window): string => {
  const weight = [w.groups * w.rows, w.width, ...w.taps];
  const b = w.bias ? `, b: float32[${w.groups * w.rows}]` : '';
  return graph(
    [2, w.groups * w.width, ...w.lengths],
    `y = Conv<${geometry(w)}, group=${w.groups}>(x, w: float32${dims(weight)}${b})`,
  );
};

const transposeText = (w: Window): string => {
  const weight = [w.groups * w.width, w.rows, ...w.taps];
  const b = w.bias ? `, b: float32[${w.groups * w.rows}]` : '';
  const padding = w.more.map((p, i) => (p < Math.max(w.strides[i] ?? 1, w.dilations[i] ?? 1) ? p : 0));
  const pads = w.pads.map((p, i) => ((w.taps[i % w.rank] ?? 1) > 1 ? p : 0));
  const given = w.ceil
    ? `output_shape=${dims(w.lengths.map((n, i) => n * (w.strides[i] ?? 1)))}`
    : `output_padding=${dims(padding)}, ${w.auto === 'NOTSET' ? `pads=${dims(pads)}` : 'auto_pad="VALID"'}`;
  return graph(
    [2, w.groups * w.width, ...w.lengths],
    `y = ConvTranspose<strides=${dims(w.strides)}, dilations=${dims(w.dilations)}, ${given}, group=${w.groups}>(x, w: float32${dims(weight)}${b})`,
  );
};

/**
 * Pools refuse pads as large as the window. SAME pads of a window shorter than its stride are negative in onnxruntime's
 * MaxPool, against the specification.
 */
const poolText = (op: string, drawn: Window): string => {
  const short = drawn.taps.some((n, i) => n < (drawn.strides[i] ?? 1));
  const w: Window = { ...drawn, auto: short ? 'NOTSET' : drawn.auto };
  const pads = w.pads.map((p, i) => Math.min(p, (w.taps[i % w.rank] ?? 1) - 1));
  const dilations = op === 'MaxPool' ? `, dilations=${dims(w.dilations)}` : '';
  const where = w.auto === 'NOTSET' ? `pads=${dims(pads)}` : `auto_pad="${w.auto}"`;
  const include = op === 'AveragePool' ? `, count_include_pad=${w.padding ? 1 : 0}` : '';
  const ceil = w.auto === 'NOTSET' && !(op === 'AveragePool' && w.padding) ? `, ceil_mode=${w.ceil ? 1 : 0}` : '';
  return graph(
    [2, 3, ...w.lengths],
    `y = ${op}<kernel_shape=${dims(w.taps)}, strides=${dims(w.strides)}${dilations}, ${where}${include}${ceil}>(x)`,
  );
};

const shape4 = list(4, 2, 4);
/** A shape that broadcasts with `d`: some axes 1, leading ones left out. */
const beside = (d: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .record({ ones: fc.array(fc.boolean(), { minLength: d.length, maxLength: d.length }), skip: int(0, d.length) })
    .map(({ ones, skip }) => d.map((n, i) => (ones[i] ? 1 : n)).slice(skip));

const elementwise = (op: string): fc.Arbitrary<string> =>
  shape4.chain((d) => beside(d).map((c) => graph(d, `y = ${op}(x, c: float32${dims(c)})`)));
const variadic = (op: string): fc.Arbitrary<string> =>
  shape4.chain((d) =>
    fc
      .tuple(beside(d), beside(d))
      .map(([a, b]) => graph(d, `y = ${op}(x, a: float32${dims(a)}, b: float32${dims(b)})`)),
  );
const unary = (op: string): fc.Arbitrary<string> => shape4.map((d) => graph(d, `y = ${op}(x)`));
const reduction = (op: string): fc.Arbitrary<string> =>
  fc
    .record({ d: shape4, axes: fc.uniqueArray(int(-2, 1), { minLength: 1, maxLength: 2 }), keep: int(0, 1) })
    .map(({ d, axes, keep }) =>
      op === 'ReduceSum'
        ? graph(d, `y = ReduceSum<keepdims=${keep}>(x, a: ${ints(axes)})`)
        : graph(d, `y = ${op}<axes=${dims(axes)}, keepdims=${keep}>(x)`),
    );

const padText = fc
  .record({
    d: list(4, 3, 5),
    amounts: list(8, -1, 2),
    mode: fc.constantFrom('constant', 'constant', 'edge', 'reflect', 'wrap'),
    value: int(-2, 2),
  })
  .map(({ d, amounts, mode, value }) => {
    const own = mode === 'constant' ? amounts : amounts.map((a) => Math.max(0, a));
    const v = mode === 'constant' ? `, v: float32[] = [${value}]` : '';
    return `<ir: 9, opset: ["": 19]> ${graph(d, `y = Pad<mode="${mode}">(x, p: ${ints(own)}${v})`)}`;
  });

const sliceText = fc
  .record({
    d: list(3, 4, 6),
    axes: fc.uniqueArray(int(-3, -1), { minLength: 1, maxLength: 3 }),
    from: list(3, -5, 5),
    to: list(3, -5, 9),
    steps: fc.array(fc.constantFrom(1, 1, 2, -1), { minLength: 3, maxLength: 3 }),
  })
  .map(({ d, axes, from, to, steps }) => {
    const n = axes.length;
    return graph(
      d,
      `y = Slice(x, s: ${ints(from.slice(0, n))}, e: ${ints(to.slice(0, n))}, a: ${ints(axes)}, t: ${ints(steps.slice(0, n))})`,
    );
  });

const CASES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  Abs: unary('Abs'),
  Add: elementwise('Add'),
  AveragePool: window.map((w) => poolText('AveragePool', w)),
  BatchNormalization: fc
    .record({ d: shape4, epsilon: fc.constantFrom('', '<epsilon=0.1>') })
    .map(({ d, epsilon }) =>
      graph(
        d,
        `y = BatchNormalization${epsilon}(x, g: float32[${d[1]}], b: float32[${d[1]}], m: float32[${d[1]}], v: float32[${d[1]}])`,
      ),
    ),
  Cast: unary('Cast<to=1>'),
  Concat: fc
    .record({ d: shape4, axis: int(-4, 3), more: int(1, 3) })
    .map(({ d, axis, more }) =>
      graph(d, `y = Concat<axis=${axis}>(x, c: float32${dims(d.map((n, i) => (i === (axis + 4) % 4 ? more : n)))}, x)`),
    ),
  Constant: shape4.map((d) => graph(d, `c = Constant<value:float32${dims(d)}>()\n y = Add(x, c)`)),
  Conv: window.map(convText),
  ConvTranspose: window.map(transposeText),
  DepthToSpace: fc
    .record({ b: int(1, 3), c: int(1, 2), crd: fc.boolean(), h: int(1, 3) })
    .map(({ b, c, crd, h }) =>
      graph([2, b * b * c, h, 2], `y = DepthToSpace<blocksize=${b}, mode="${crd ? 'CRD' : 'DCR'}">(x)`),
    ),
  DequantizeLinear: fc.record({ d: shape4, each: fc.boolean() }).map(({ d, each }) => {
    const one = each ? `[${d[1]}]` : '[]';
    return graph(d, `w = DequantizeLinear<axis=1>(q: int8${dims(d)}, s: float32${one}, z: int8${one})\n y = Add(x, w)`);
  }),
  Div: elementwise('Div'),
  Dropout: unary('Dropout'),
  Expand: shape4.map((d) => graph([1, d[1] ?? 1, 1], `y = Expand(x, s: ${ints([d[0] ?? 1, 1, d[2] ?? 1])})`)),
  Flatten: fc.record({ d: shape4, axis: int(-4, 4) }).map(({ d, axis }) => graph(d, `y = Flatten<axis=${axis}>(x)`)),
  Gemm: fc
    .record({ m: int(1, 4), k: int(1, 4), n: int(1, 4), ta: int(0, 1), tb: int(0, 1), c: int(0, 3) })
    .map(({ m, k, n, ta, tb, c }) => {
      const shape = [[], [n], [1, n], [m, n]][c] ?? [];
      return graph(
        ta ? [k, m] : [m, k],
        `y = Gemm<alpha=0.5, beta=2.0, transA=${ta}, transB=${tb}>(x, w: float32${dims(tb ? [n, k] : [k, n])}, c: float32${dims(shape)})`,
      );
    }),
  Gather: fc
    .record({ d: shape4, axis: int(0, 3), index: list(3, -1, 0) })
    .map(({ d, axis, index }) => graph(d, `y = Gather<axis=${axis}>(x, i: ${ints(index)})`)),
  GlobalAveragePool: unary('GlobalAveragePool'),
  GlobalMaxPool: unary('GlobalMaxPool'),
  Greater: shape4.map((d) => graph(d, `g = Greater(x, c: float32[] = [0.25])\n y = Cast<to=1>(g)`)),
  Identity: unary('Identity'),
  Loop: fc.tuple(shape4, fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([d, trips, ends]) =>
    graph(
      d,
      `y, z = Loop<body={l (i: int64[], k: bool[], a: float32${dims(d)}) -> (k2, a2, b)
        ${ends ? 'f = Cast<to=1>(i)\n k2 = Greater(c: float32[] = [0.5], f)' : 'k2 = Identity(k)'}
        a2 = Mul(a, x)\n b = Neg(a) }>(n: int64[] = [${trips}], on: bool[] = [1], x)`,
    ).replace('-> (y)', '-> (y, z)'),
  ),
  Scan: fc.tuple(shape4, fc.integer({ min: 1, max: 3 })).map(([d, steps]) =>
    graph(
      d,
      `y, z = Scan<num_scan_inputs=1, body={l (a: float32${dims(d)}, r: float32[]) -> (a2, b)
        a2 = Mul(a, r)\n b = Add(a, x) }>(x, rows: float32[${steps}])`,
    ).replace('-> (y)', '-> (y, z)'),
  ),
  If: shape4.map((d) =>
    graph(
      d,
      `c = Constant<value:bool[] = [1]>()\n y = If<then_branch={a () -> (a)\n a = Relu(x) }, else_branch={b () -> (b)\n b = Neg(x) }>(c)`,
    ),
  ),
  LeakyRelu: unary('LeakyRelu<alpha=0.3>'),
  MatMul: fc
    .record({ d: shape4, n: int(1, 3), batched: fc.boolean() })
    .map(({ d, n, batched }) =>
      graph(d, `y = MatMul(x, w: float32${dims(batched ? [d[1] ?? 1, d[3] ?? 1, n] : [d[3] ?? 1, n])})`),
    ),
  MaxPool: window.map((w) => poolText('MaxPool', w)),
  Mean: variadic('Mean'),
  Mul: elementwise('Mul'),
  Neg: unary('Neg'),
  PRelu: shape4.map((d) => graph(d, `y = PRelu(x, s: float32[${d[1]},1,1])`)),
  Pad: padText,
  Range: int(1, 5).map((n) =>
    graph(
      [n, 2],
      's = Shape(x)\n g = Gather<axis=0>(s, i: int64[] = [0])\n r = Range(z: int64[] = [0], g, o: int64[] = [1])\n y = Cast<to=1>(r)',
    ),
  ),
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean'),
  ReduceSum: reduction('ReduceSum'),
  Relu: unary('Relu'),
  Reshape: shape4.map((d) => graph(d, `y = Reshape(x, s: int64[3] = [0,-1,${d[3]}])`)),
  Resize: fc
    .record({ d: shape4, h: int(1, 3), w: int(1, 3), linear: fc.boolean() })
    .map(({ d, h, w, linear }) =>
      graph(
        d,
        `y = Resize<${linear ? 'mode="linear"' : 'mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"'}>(x, _, s: float32[4] = [1,1,${h},${w}])`,
      ),
    ),
  ScatterND: shape4.map((d) => graph(d, `y = ScatterND(x, i: int64[2,2] = [0,1,1,-2], u: float32[2,${d[2]},${d[3]}])`)),
  Shape: shape4.map((d) => graph(d, 's = Shape(x)\n y = Cast<to=1>(s)')),
  Sigmoid: unary('Sigmoid'),
  Slice: sliceText,
  SpaceToDepth: fc
    .record({ b: int(1, 3), c: int(1, 2), h: int(1, 3) })
    .map(({ b, c, h }) => graph([2, c, h * b, 2 * b], `y = SpaceToDepth<blocksize=${b}>(x)`)),
  Split: fc
    .record({ sizes: list(3, 1, 3), axis: int(-2, 1) })
    .map(({ sizes, axis }) =>
      graph(
        (axis + 2) % 2 === 0 ? [sizes.reduce((a, b) => a + b), 4] : [4, sizes.reduce((a, b) => a + b)],
        `a, b, y = Split<axis=${axis}>(x, s: ${ints(sizes)})`,
      ),
    ),
  Squeeze: shape4.map((d) => graph([1, ...d.slice(0, 2), 1], 'y = Squeeze(x, a: int64[1] = [-1])')),
  Sqrt: shape4.map((d) => graph(d, 'a = Abs(x)\n y = Sqrt(a)')),
  Sub: elementwise('Sub'),
  Sum: variadic('Sum'),
  Tanh: unary('Tanh'),
  Transpose: fc
    .record({ d: shape4, perm: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }) })
    .map(({ d, perm }) => graph(d, `y = Transpose<perm=${dims(perm)}>(x)`)),
  Unsqueeze: shape4.map((d) => graph(d, 'y = Unsqueeze(x, a: int64[2] = [0,-1])')),
};

/** A window larger than what it slides over is refused by onnxruntime, one way or another. */
const hasOutputs = (model: Model): boolean => {
  const type = model.graph.outputs[0]?.type;
  return type?.kind === 'tensor' && (type.shape ?? []).every((d) => typeof d === 'number' && d > 0);
};

/** What onnxruntime does not do at all, such as auto_pad with dilations, is nothing to compare with. */
function refusal(error: unknown): undefined {
  if (error instanceof CnnxError && error.code === 'runtime/run') return undefined;
  throw error;
}

test.each(Object.keys(CASES))('%s as onnxruntime computes it', async (op) => {
  const arbitrary = CASES[op];
  if (!arbitrary) throw new Error(`no case for ${op}`);
  let ran = 0;
  const check = async (text: string): Promise<void> => {
    const model = typed(text);
    if (!hasOutputs(model)) return;
    const feeds = drawFeeds(model);
    const given = new Map(Array.from(feeds, ([name, t]) => [name, ofTensor(t)]));
    const found = runNaive(model, given);
    const bound = magnitudes(model, given, found.branches);
    const expected = await runInOrt(model, feeds).catch(refusal);
    if (!expected) return;
    const difference = compare(expected, found.outputs, bound.outputs, 64 * 2 ** -24);
    expect(difference.ratio).toBeLessThanOrEqual(1);
    ran += 1;
  };
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: 30, seed: 7 });
  expect(ran).toBeGreaterThan(5);
});

test('every operator that it knows has a case', () => {
  expect(Object.keys(CASES).sort()).toEqual([...NAIVE_OPS].sort());
});
