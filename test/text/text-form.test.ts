import { expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import type { Attr } from '../../src/graph/attr.js';
import type { Node } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';
import { typeText } from '../../src/graph/types.js';
import { asFloat32, asInt64 } from '../../src/tensor/tensor.js';

const EXAMPLE = `(x: float32[n,3,8,8]) -> (y)
  t = Pad<mode="edge">(x, p: int64[8] = [0,0,1,2,0,0,1,2])
  y = Conv<pads=[1,1,1,1]>(t, w: float32[4,3,3,3])
`;

const nodes = (text: string): Node[] => [...parseGraph(text).graph.nodes()];
const attrOf = (literal: string): Attr => {
  const attr = nodes(`(x) -> (y) y = Op<a${literal}>(x)`)[0]?.attrs.get('a');
  if (!attr) throw new Error('no attribute');
  return attr;
};
const errorOf = (text: string): CnnxError => {
  try {
    parseGraph(text);
  } catch (error) {
    if (error instanceof CnnxError) return error;
    throw error;
  }
  throw new Error('it was parsed');
};

test('reads the example of the style page', () => {
  const model = parseGraph(EXAMPLE, { seed: 1 });
  const [pad, conv] = [...model.graph.nodes()];
  expect(model.irVersion).toBe(8n);
  expect(model.opset('')).toBe(17);
  expect(typeText(model.graph.inputs[0]?.type)).toBe('float32[n,3,8,8]');
  expect(pad?.opType).toBe('Pad');
  expect(pad?.outputs[0]).toBe(conv?.inputs[0]);
  expect(conv?.outputs[0]).toBe(model.graph.outputs[0]);
  const [p] = pad?.inputs.slice(1) ?? [];
  expect(p?.initializer && [...asInt64(p.initializer)]).toEqual([0n, 0n, 1n, 2n, 0n, 0n, 1n, 2n]);
  expect(conv?.inputs[1]?.initializer?.shape).toEqual([4, 3, 3, 3]);
  expect([...model.graph.initializers].map((v) => v.name)).toEqual(['p', 'w']);
});

test('prints what it reads', () => expect(printGraph(parseGraph(EXAMPLE))).toBe(EXAMPLE));

test('elided data depends on name and seed only', () => {
  const data = (name: string, seed: number): Float32Array => {
    const [w] = parseGraph(`() -> (${name}) ${name}: float32[64,8]`, { seed }).graph.outputs;
    if (!w?.initializer) throw new Error('no data');
    return asFloat32(w.initializer);
  };
  expect(data('w', 1)).toEqual(data('w', 1));
  expect(data('w', 1)).not.toEqual(data('w', 2));
  expect(data('w', 1)).not.toEqual(data('v', 1));
  const bound = Math.sqrt(6 / 8);
  expect(Math.max(...data('w', 1))).toBeGreaterThan(0.9 * bound);
  expect(data('w', 1).every((x) => Math.abs(x) <= bound)).toBe(true);
});

test('attributes of every kind', () => {
  expect(attrOf('=-9223372036854775808')).toMatchObject({ kind: 'int', value: -(2n ** 63n) });
  expect(attrOf('=1.5')).toMatchObject({ kind: 'float', bits: 0x3fc00000 });
  expect(attrOf('=-0.0')).toMatchObject({ kind: 'float', bits: 0x80000000 });
  expect(attrOf('=nan(0x7f800001)')).toMatchObject({ kind: 'float', bits: 0x7f800001 });
  expect(attrOf('=-inf')).toMatchObject({ kind: 'float', bits: 0xff800000 });
  expect(attrOf('="a\\"b\\n\\xff"')).toMatchObject({
    kind: 'string',
    value: Uint8Array.of(0x61, 0x22, 0x62, 0x0a, 0xff),
  });
  expect(attrOf('=@alpha')).toMatchObject({ kind: 'ref', ref: 'alpha' });
  expect(attrOf(': undefined')).toMatchObject({ kind: 'undefined' });
  expect(attrOf('=[1,-2]')).toMatchObject({ kind: 'ints', values: BigInt64Array.of(1n, -2n) });
  expect(attrOf('=[1,2.5]')).toMatchObject({ kind: 'floats', values: Float32Array.of(1, 2.5) });
  expect(attrOf('=["a",""]')).toMatchObject({ kind: 'strings', values: [Uint8Array.of(0x61), new Uint8Array(0)] });
  for (const kind of ['ints', 'floats', 'strings', 'graphs', 'tensors', 'types', 'sparse_tensors'])
    expect(attrOf(`: ${kind} = []`)).toMatchObject({ kind });
  expect(attrOf(': type = seq(map(int64,float32[?,"3"]))')).toMatchObject({
    kind: 'type',
    value: {
      kind: 'sequence',
      elem: { kind: 'map', key: 'int64', value: { dtype: 'float32', shape: [undefined, '3'] } },
    },
  });
  expect(attrOf(': sparse float32[4] = { float32[1] = [7], int64[1] = [2] }')).toMatchObject({
    kind: 'sparse_tensor',
    value: { dims: [4] },
  });
});

/** Everything that the text form can say, in the form it is printed. */
const RICH = `<ir: 10, opset: ["": 21, "com.microsoft": 1, _: _], graph: "my graph", producer: "me \\u{1}", version: "1">
function my.dom::f:over<alpha, beta=1.0> opset: ["": 21] {
  (a, b) -> (c)
    c = Add@"the node"<k=@alpha>(a, b)
}
(x: float32[n,3,?], w: float32[2] = [1,2], v: float32[k] = float32[1] = [nan], u, s = float32[] = [3]) -> (y: float32[1], x, z)
  unused: float16[3] = [0.1,-0,inf]
  sp: sparse float32[4] = { "sp" float32[1] = [7], int64[1] = [2] }
  h: float32[1,?], _, "_" = com.microsoft::Fused@n1<"odd name"=1, f=[1.0,nan(0x7fc00001)]>(x, _, "a b\\xff": int8[2] = [-128,127])
  () = ""::"1Op":"o v"()
  i = If<then_branch={ then () -> (t)
    t = Relu(h)
    t2: float32 = Add(t, k: float32[1] = [0.33333334]) }, else_branch={ _ () -> (h) }>(c: bool[] = [1])
  z = Make<t: float64[2] = [0.1,5e-324], st: string[2] = ["a","\\xff"], q: int4[3] = 0xab0c, ts: tensors = [uint64[1] = [18446744073709551615], bfloat16[1] = [3.14]]>(undefined_name)
`;

test('nothing that it can say is lost', () => {
  expect(printGraph(parseGraph(RICH), { data: 'all' })).toBe(RICH);
});

test('captured values are the outer ones, and count as uses', () => {
  const model = parseGraph(RICH);
  const branch = [...model.graph.nodes()].find((n) => n.opType === 'If');
  const relu = branch?.subgraphs[0]?.first;
  expect(relu?.inputs[0]).toBe(model.graph.values.get('h'));
  expect(relu && model.graph.values.get('h')?.uses.get(relu)).toBe(1);
  expect(model.graph.values.get('h')?.outputCount).toBe(1);
});

test('the order of initializers is kept with all data', () => {
  const text = '() -> (y)\n  b: float32[1] = [1]\n  a: float32[1] = [2]\n  y = Add(a, b)\n';
  expect(printGraph(parseGraph(text), { data: 'all' })).toBe(text);
  expect(printGraph(parseGraph(text))).toBe('() -> (y)\n  y = Add(a: float32[1] = [2], b: float32[1] = [1])\n');
});

test('broken graphs can be written: cycles, undefined names, names defined twice', () => {
  const model = parseGraph('(x) -> (q) y = A(z) z = B(y, nothing) y = C(x)');
  const [a, b, c] = [...model.graph.nodes()];
  expect(a?.inputs[0]).toBe(b?.outputs[0]);
  expect(b?.inputs[0]).toBe(a?.outputs[0]);
  expect(b?.inputs[1]?.isUndefined).toBe(true);
  expect(c?.outputs[0]).not.toBe(a?.outputs[0]);
  expect(model.graph.outputs[0]?.isUndefined).toBe(true);
});

test.each([
  ['(x) -> (y)\n y = Relu(x', 2, 12, "',' or ')' was expected; found the end"],
  ['(x) -> (y)\n y Relu(x)', 2, 4, "'=' was expected; found Relu(x)"],
  ['(x: float33) -> (y)', 1, 5, 'float33 is no element type'],
  ['(x) -> (y) y = A(x, w: float32[2] = [1])', 1, 39, '[2] has 2 elements; found 1'],
  ['(x) -> (y) y = A(x, w: float32[n])', 1, 33, 'data needs sizes'],
  ['(x) -> (y) y = A(x, w: uint8[1] = [256])', 1, 36, '256 is no uint8'],
  ['(x) -> (y) y = A<a=[1,"b"]>(x)', 1, 26, 'the items of a list are of one kind'],
  ['(x) -> (y) y = A<a=9223372036854775808>(x)', 1, 20, '9223372036854775808 is no int64'],
  ['<colour: 1> () -> ()', 1, 2, 'colour is no field of the header; those are ir, opset, graph, producer, version'],
  ['', 1, 1, "'(' was expected; found the end"],
])('says where the text is wrong: %j', (text, line, column, why) => {
  const error = errorOf(text);
  expect(error.code).toBe('graph/syntax');
  expect(error.message).toContain(`line ${line}, column ${column}: `);
  expect(error.message).toContain(why);
});

test('nesting has a limit, and no other', () => {
  const nested = (depth: number): string => {
    let text = '() -> (y) y = A()';
    for (let i = 1; i < depth; i++) text = `() -> (y) y = A<g={ g ${text} }>()`;
    return text;
  };
  expect(printGraph(parseGraph(nested(LIMITS.graphDepth)))).toContain('A()');
  expect(errorOf(nested(LIMITS.graphDepth + 1)).code).toBe('graph/depth');
  expect(errorOf(`() -> () y = A<t: type = ${'seq('.repeat(100_000)}>()`).code).toBe('graph/syntax');
});
