import { expect, test } from 'vitest';
import { Editor, everyNode } from '../../src/graph/edit.js';
import { inferShapes } from '../../src/graph/infer.js';
import type { Model } from '../../src/graph/ir.js';
import { topologicalOrder } from '../../src/graph/order.js';
import { parseGraph } from '../../src/text/parse.js';
import { isOpenSize, tensorType, typeText } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';

const infer = (text: string) => {
  const model = parseGraph(text);
  return { model, problems: inferShapes(model, registry) };
};
const outputs = (model: Model): string[] => model.graph.outputs.map((v) => typeText(v.type));

test('named sizes go through what leaves them alone', () => {
  const { model } = infer(`(x: float32[n,3,h,w]) -> (a, b, c, d, e)
    a = Conv<pads=[1,1,1,1]>(x, k: float32[8,3,3,3])
    b = Conv<pads=[1,1,1,1], strides=[2,2]>(x, k)
    p = GlobalAveragePool(a)
    c = Flatten(p)
    d = Transpose<perm=[0,2,3,1]>(x)
    s = Shape(x)
    n = Gather(s, z: int64[1] = [0])
    t = Concat<axis=0>(n, m: int64[2] = [3,-1])
    e = Reshape(x, t)`);
  expect(outputs(model)).toEqual([
    'float32[n,8,h,w]',
    'float32[n,8,?,?]',
    'float32[n,8]',
    'float32[n,h,w,3]',
    'float32[n,3,?]',
  ]);
});

test('a file out of order is inferred as in order', () => {
  const { model, problems } = infer(`(x: float32[2,3]) -> (y)
    y = Relu(b)
    b = If<then_branch={ () -> (t)
      t = Neg(a) }, else_branch={ () -> (e)
      e = Abs(a) }>(c)
    c = Cast<to=9>(k: int64[1] = [1])
    a = Concat<axis=1>(x, x)`);
  expect(problems).toEqual([]);
  expect(outputs(model)).toEqual(['float32[2,6]']);
  expect(topologicalOrder(model.graph).map((n) => n.opType)).toEqual(['Cast', 'Concat', 'If', 'Relu']);
});

test('a circle leaves types unknown, and ends', () => {
  const { model } = infer('() -> (y)\n a = Relu(b)\n b = Relu(a)\n y = Relu(x: float32[1])');
  expect(outputs(model)).toEqual(['float32[1]']);
  expect(topologicalOrder(model.graph)).toHaveLength(3);
});

test('functions are inferred for each call, with its attributes', () => {
  const { model, problems } = infer(`<opset: ["": 17, "my": 1]>
    function my::f<perm, depth=2> opset: ["": 17] {
      (a) -> (b)
        s = Shape(a)
        t = Transpose<perm=@perm>(a)
        b = Concat<axis=0>(t, t)
    }
    function my::g opset: ["": 17, "my": 1] {
      (a) -> (b)
        b = my::f<perm=[1,0]>(a)
    }
    (x: float32[2,3], z: int64[4,5,6]) -> (p, q, r)
      p = my::g(x)
      q = my::f<perm=[2,0,1]>(z)
      r = my::f<perm=[0,1]>(x)`);
  expect(problems).toEqual([]);
  expect(outputs(model)).toEqual(['float32[6,2]', 'int64[12,4,5]', 'float32[4,3]']);
});

test('functions that call each other end', () => {
  const chain = Array.from(
    { length: 40 },
    (_, i) => `function my::f${i} opset: ["": 17, "my": 1] {
      (a) -> (c)
        b = my::f${(i + 1) % 40}(a)
        c = my::f${(i + 1) % 40}(b)
    }`,
  );
  const { model } = infer(`<opset: ["": 17, "my": 1]>\n${chain.join('\n')}\n(x: float32[1]) -> (y)\n y = my::f0(x)`);
  expect(outputs(model)).toEqual(['?']);
});

test('contradictions are collected, each with its layer and its numbers, and inference goes on', () => {
  const { model, problems } = infer(`(x: float32[1,3,4,4]) -> (y, z)
    a = Conv@stem(x, w: float32[8,4,3,3])
    b = MaxPool@pool<kernel_shape=[7,7], pads=[1,1,1,1]>(x)
    c = Reshape(x, s: int64[2] = [5,-1])
    y: float32[1,3,4,5] = Relu(x)
    z = Neg(x)
    m = Add(x, i: int64[1] = [1])`);
  expect(problems.map((p) => [p.node.opType, p.message])).toEqual([
    ['Conv', 'the input has 3 channels; the weight [8,4,3,3] takes 4'],
    ['MaxPool', 'the window of 7x7 does not fit the input of 4x4 padded to 6x6'],
    ['Reshape', '[1,3,4,4] cannot be reshaped to [5,-1]: 48 elements, 5 to be divided by'],
    ['Relu', 'y is declared as float32[1,3,4,5], and inferred as float32[1,3,4,4]'],
    ['Add', 'a is float32 and b is int64; Add takes one element type for both'],
  ]);
  expect(problems[1]?.hint).toBe('an input of at least 5x5, or a smaller window');
  expect(outputs(model)).toEqual(['float32[1,3,4,4]', 'float32[1,3,4,4]']);
});

test('a second run finds the same, and forgets what no longer holds', () => {
  const { model } = infer('(x: float32[2,3]) -> (y)\n t: float32[?,3] = Relu(x)\n y = Neg(t)');
  const first = everyNode(model).map((n) => typeText(n.outputs[0]?.type));
  inferShapes(model, registry);
  expect(everyNode(model).map((n) => typeText(n.outputs[0]?.type))).toEqual(first);
});

test('time is linear in the number of nodes, in any order', () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => ` v${i + 1} = Relu(v${i})`);
  const build = (order: readonly string[]): Model => parseGraph(`(v0: float32[2,3]) -> (v20000)\n${order.join('\n')}`);
  for (const order of [lines, lines.toReversed()]) {
    const model = build(order);
    const start = performance.now();
    inferShapes(model, registry);
    expect(performance.now() - start).toBeLessThan(4000);
    expect(outputs(model)).toEqual(['float32[2,3]']);
  }
});

test('with computed sizes only, what a file declares of inner values and outputs counts for its element type alone', () => {
  const model =
    parseGraph(`<opset: ["": 17, "my": 1]> (x: float32[n,3], s: int64[2]) -> (y: float32[n,3], z: float32[n,3])
    a: float32[1,3] = Reshape(x, s)
    y = Relu(a)
    z = my::f(y)`);
  expect(inferShapes(model, registry, { computedOnly: true })).toEqual([]);
  expect(outputs(model)).toEqual(['float32[?,?]', 'float32']);
  expect(typeText(model.graph.inputs[0]?.type)).toBe('float32[n,3]');
});

test('open sizes have names, which values of one size share', () => {
  const model = parseGraph(`(x: float32[1,3,h,w]) -> (b, c, d)
    a = Conv<strides=[2,2]>(x, k: float32[8,3,3,3])
    b = Relu(a)
    c = Add(a, b)
    d = Conv<strides=[2,2]>(x, k)`);
  inferShapes(model, registry, { computedOnly: true });
  const [b, c, d] = model.graph.outputs.map((v) => (v.type?.kind === 'tensor' ? v.type.shape : undefined));
  expect(outputs(model)).toEqual(Array.from({ length: 3 }, () => 'float32[1,8,?,?]'));
  expect(b?.every(isOpenSize)).toBe(false);
  expect(b?.slice(2).every(isOpenSize)).toBe(true);
  expect(c).toEqual(b);
  expect(new Set([...(b?.slice(2) ?? []), ...(d?.slice(2) ?? [])]).size).toBe(4);
});

test('an overridable default may be overridden by another size', () => {
  const model = parseGraph('(x: float32[2,3], w: float32[3,1] = [1,2,3]) -> (y)\n y = MatMul(x, w)');
  const [, w] = model.graph.inputs;
  if (w) new Editor(model).declare(model.graph, w, tensorType('float32', [3, 'k']));
  inferShapes(model, registry, { computedOnly: true });
  expect(outputs(model)).toEqual(['float32[2,k]']);
});
