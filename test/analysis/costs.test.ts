import { describe, expect, test } from 'vitest';
import { costs } from '../../src/analysis/index.js';
import { buildArchitecture } from '../../src/builders/build.js';
import { findVariant } from '../../src/builders/cards.js';
import { goldenVarScale } from '../../src/builders/golden.js';
import { inferShapes } from '../../src/graph/infer.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';
import { typeText } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';
import { goldens, readGolden } from '../support/goldens.js';

/** Multiply-accumulates of a convolution, one by one: every output element, every tap of its group. */
function convMacs(
  size: number,
  inputs: number,
  outputs: number,
  kernel: number,
  groups: number,
  stride: number,
): number {
  let count = 0;
  for (let o = 0; o < outputs; o++)
    for (let y = 0; y + kernel <= size; y += stride)
      for (let x = 0; x + kernel <= size; x += stride)
        for (let i = 0; i < inputs / groups; i++) for (let k = 0; k < kernel * kernel; k++) count += 1;
  return count;
}

test.each([
  [8, 4, 6, 3, 2, 1],
  [9, 4, 4, 3, 4, 2],
  [5, 3, 2, 1, 1, 1],
])(
  'a convolution: size %i, %i to %i channels, kernel %i, %i groups, stride %i',
  (size, inputs, outputs, kernel, groups, stride) => {
    const model = parseGraph(
      `(x: float32[n,${inputs},${size},${size}]) -> (y)
      y = Conv@c<group=${groups}, strides=[${stride},${stride}]>(x, w: float32[${outputs},${inputs / groups},${kernel},${kernel}], b: float32[${outputs}])`,
    );
    const result = costs(model);
    expect(result.macs).toBe(convMacs(size, inputs, outputs, kernel, groups, stride));
    expect(result.parameters).toBe((outputs * inputs * kernel * kernel) / groups + outputs);
    expect(result.weightBytes).toBe(4 * result.parameters);
    const out = Math.floor((size - kernel) / stride) + 1;
    expect(result.activations).toBe(outputs * out * out);
    expect(result.nodes[0]).toMatchObject({ node: 'c', op: 'Conv', output: 'y', shape: [1, outputs, out, out] });
    expect(costs(model, { dims: new Map([['n', 5]]) }).macs).toBe(5 * result.macs);
  },
);

test('transposed convolutions count each input element by the weights that it meets', () => {
  const result = costs(
    parseGraph('(x: float32[1,4,5,5]) -> (y) y = ConvTranspose<group=2, strides=[2,2]>(x, w: float32[4,3,3,3])'),
  );
  expect(result.macs).toBe(4 * 25 * 3 * 9);
  expect(result.activations).toBe(6 * 11 * 11);
});

test('matrix products', () => {
  const macs = (text: string): number => costs(parseGraph(text)).macs;
  expect(macs('(x: float32[n,7]) -> (y) y = Gemm<transB=1>(x, w: float32[5,7], b: float32[5])')).toBe(35);
  expect(macs('(x: float32[7,n]) -> (y) y = Gemm<transA=1>(x, w: float32[7,5])')).toBe(35);
  expect(macs('(a: float32[2,3,4], b: float32[2,4,5]) -> (y) y = MatMul(a, b)')).toBe(2 * 3 * 4 * 5);
});

test('what counts as parameter: weights once, not the statistics of BatchNormalization, not scalars, not integers', () => {
  const result = costs(
    parseGraph(`(x: float32[1,2,4,4]) -> (z)
      c = Conv(x, w: float32[2,2,1,1])
      d = Conv(c, w)
      e = BatchNormalization(d, s: float32[2], b: float32[2], m: float32[2], v: float32[2])
      f = Clip(e, low: float32[] = [0], high: float32[] = [6])
      g = Reshape(f, shape: int64[2] = [1,32])
      unused: float32[100]
      z = Relu(g)`),
  );
  expect(result.parameters).toBe(4 + 2 + 2);
  expect(result.buffers).toBe(4);
  expect(result.nodes.map((n) => n.parameters)).toEqual([4, 0, 4, 0, 0, 0]);
  expect(result.weightBytes).toBe(4 * (4 + 8 + 2 + 100) + 16);
});

/** One network, 3 to 4 channels of 3x3 over 8x8 pixels, then 4 to 5 features: 108 + 4 and 20 + 5 parameters. */
const MACS = 4 * 36 * 27 + 20;
const scale = (name: string): string => `${name}: float32[] = [0.1]`;
const zero = (name: string, type = 'uint8'): string => `${name}: ${type}[] = [0]`;

test.each([
  [
    'float',
    'c = Conv(x, w: float32[4,3,3,3], b: float32[4]) p = GlobalAveragePool(c) f = Flatten(p) y = Gemm(f, v: float32[4,5], d: float32[5])',
  ],
  [
    'quantised weights before float operators, a scale for each channel',
    `k = DequantizeLinear<axis=0>(w: int8[4,3,3,3], s: float32[4], z: int8[4])
     a = DequantizeLinear<axis=0>(b: int32[4], t: float32[4], n: int32[4])
     c = Conv(x, k, a) p = GlobalAveragePool(c) f = Flatten(p)
     m = DequantizeLinear(v: int8[4,5], ${scale('u')}, ${zero('o', 'int8')})
     e = DequantizeLinear(d: int32[5], ${scale('g')}) y = Gemm(f, m, e)`,
  ],
  [
    'weights that are quantised where they are used',
    `h = QuantizeLinear(w: float32[4,3,3,3], s: float32[4], z: int8[4]) k = DequantizeLinear(h, s, z)
     c = Conv(x, k, b: float32[4]) p = GlobalAveragePool(c) f = Flatten(p) y = Gemm(f, v: float32[4,5], d: float32[5])`,
  ],
  [
    'operators of quantised tensors',
    `q = QuantizeLinear(x, ${scale('s')}, ${zero('z')})
     c = QLinearConv(q, s, z, w: int8[4,3,3,3], t: float32[4], n: int8[4], s, z, b: int32[4])
     p = com.microsoft::QLinearGlobalAveragePool<channels_last=0>(c, s, z, s, z) f = Flatten(p)
     y = com.microsoft::QGemm(f, s, z, v: int8[4,5], u: float32[5], o: int8[5], d: int32[5])`,
  ],
  [
    'operators of integers',
    `q, s, z = DynamicQuantizeLinear(x)
     c = ConvInteger(q, w: uint8[4,3,3,3], z, ${zero('n')}) i = Cast<to=1>(c) a = Add(i, b: float32[1,4,1,1])
     p = GlobalAveragePool(a) f = Flatten(p) r, t, o = DynamicQuantizeLinear(f)
     m = MatMulInteger(r, v: uint8[4,5], o, n) j = Cast<to=1>(m) y = Add(j, d: float32[5])`,
  ],
])('a network counts the same, whatever its weights are stored as: %s', (_, body) => {
  const result = costs(parseGraph(`<opset: ["": 17, "com.microsoft": 1]> (x: float32[n,3,8,8]) -> (y)\n ${body}`));
  expect({ parameters: result.parameters, buffers: result.buffers, macs: result.macs }).toEqual({
    parameters: 137,
    buffers: 0,
    macs: MACS,
  });
  expect(result.uncounted).toEqual([]);
  expect(result.activations).toBe(4 * 36);
});

test('the peak is where most is alive at once', () => {
  const peak = (text: string): number | undefined => costs(parseGraph(text)).peakActivationBytes;
  const io = '(x: float32[10]) -> (z)';
  expect(peak(`${io} z = Relu(x)`)).toBe(80);
  expect(peak(`${io} a = Relu(x) b = Relu(a) z = Relu(b)`)).toBe(80);
  expect(peak(`${io} a = Relu(x) b = Relu(a) z = Add(b, x)`)).toBe(120);
  expect(
    peak(
      `${io} a = Relu(x) w: bool[] = [1] z = If<then_branch={ t () -> (p) p = Add(a, x) }, else_branch={ e () -> (q) q = Neg(a) }>(w)`,
    ),
  ).toBe(120);
  expect(peak('(x: float32[10]) -> (z) z = my::Unknown(x)')).toBeUndefined();
});

test('what cannot be counted is named', () => {
  const result = costs(
    parseGraph(`<opset: ["": 17, my: 1]> function my::F opset: ["": 17] { (a) -> (b) b = Relu(a) }
      (x: float32[1,3,8,8]) -> (y) u = other::Op(x) t = Conv@unknown(u, w: float32[4,3,3,3]) y = my::F@call(t)`),
  );
  expect(result.uncounted).toEqual(['unknown', 'call']);
});

test('the model stays as it was', () => {
  const model = parseGraph('(x: float32[n,3,8,8]) -> (y) y = Conv(x, w: float32[4,3,3,3])');
  const before = printGraph(model, { types: 'known' });
  costs(model);
  expect(printGraph(model, { types: 'known' })).toBe(before);
});

describe('the networks of the goldens', () => {
  test.each(goldens())('%s', (name) => {
    const golden = readGolden(name);
    const built = buildArchitecture(findVariant(name), { init: { kind: 'golden', varScale: goldenVarScale(golden) } });
    const result = costs(built.model);
    const statistics = golden.state_dict.filter(([key]) => /running_(mean|var)$/.test(key));
    expect(result.macs).toBe(golden.macs_with_aux ?? golden.macs);
    // Factors and offsets of `transform_input`, one for each channel: nothing in a file says that they were not learned.
    const fixed = name.endsWith('transform_input') ? 6 : 0;
    expect(result.parameters).toBe(golden.params + fixed);
    expect(result.buffers).toBe(statistics.reduce((n, [, , shape]) => n + (shape[0] ?? 0), 0));
    expect(result.uncounted).toEqual([]);
  });
});

test('the types of the model itself stay as they were', () => {
  const model = parseGraph('(x: float32[N,3,8,8]) -> (y)\n t = Conv(x, w: float32[4,3,3,3])\n y = Relu(t)');
  inferShapes(model, registry);
  const types = (): string[] => [...model.graph.values.values()].map((v) => typeText(v.type));
  const before = types();
  expect(before.join()).toContain('[N,4,6,6]');
  expect(costs(model, { dims: new Map([['N', 8]]) }).macs).toBe(8 * 4 * 36 * 27);
  expect(types()).toEqual(before);
});
