import { expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { checkModel } from '../../../src/graph/check.js';
import { Editor } from '../../../src/graph/edit.js';
import type { Model } from '../../../src/graph/ir.js';
import { registry } from '../../../src/ops/index.js';
import { cutModel, exposeValues } from '../../../src/passes/surgery/cut.js';
import { inlineFunctions } from '../../../src/passes/surgery/inline-functions.js';
import { joinModels } from '../../../src/passes/surgery/join.js';
import { renamed, renameParts } from '../../../src/passes/surgery/rename.js';
import { stripModel } from '../../../src/passes/surgery/strip.js';
import { parseGraph } from '../../../src/text/parse.js';
import { printGraph } from '../../../src/text/print.js';
import { brokenInvariants } from '../../support/invariants.js';
import { expectSameOutputs, parsed, TOL } from '../../support/rules.js';

const names = (list: readonly { readonly name: string }[]): string[] => list.map((v) => v.name);
const text = (model: Model): string => printGraph(model, { types: 'none' });

function expectSound(model: Model): void {
  expect(checkModel(model, registry).map((p) => p.message)).toEqual([]);
  expect(brokenInvariants(model)).toEqual([]);
  expect(text(readOnnx(concat(writeOnnx(model))))).toBe(text(model));
}

const NET = `(x: float32[1,3,8,8], k: float32[4]) -> (y, z)
  a = Conv@first(x, w: float32[4,3,3,3])
  b = Relu@relu(a)
  c = Conv@second(b, v: float32[4,4,3,3], k)
  y = Relu@last(c)
  z = Neg@side(b)`;

test('a part from one value to another', () => {
  const model = parsed(NET);
  const before = printGraph(model);
  const part = cutModel(model, { from: ['b'], to: ['y'] });
  expectSound(part);
  expect(text(part)).toMatchSnapshot();
  expect([names(part.graph.inputs), names(part.graph.outputs)]).toEqual([['k', 'b'], ['y']]);
  expect(part.graph.values.get('v')?.initializer).toBe(model.graph.values.get('v')?.initializer);
  expect(printGraph(model)).toBe(before);
});

test('what a subgraph captures becomes an input too', () => {
  const model = parsed(`(x: float32[2], f: bool[]) -> (y)
    a = Neg(x)
    y = If<then_branch={ t () -> (p) p = Relu(a) }, else_branch={ e () -> (q) q = Exp(a) }>(f)`);
  const part = cutModel(model, { from: ['a'] });
  expectSound(part);
  expect(names(part.graph.inputs)).toEqual(['f', 'a']);
});

test.each([
  [{ to: ['nothing'] }, /no value named nothing/],
  [{ from: ['w'] }, /w is a constant/],
  [{ from: ['b'], to: ['b'] }, /b would be an input and an output/],
  [{ to: ['x'] }, /x is an input of the model/],
  [{ from: ['c'], to: ['z'] }, /c is not needed for z/],
])('no such part: %o', (cut, why) => {
  expect(() => cutModel(parsed(NET), cut)).toThrow(why);
});

test('what a subgraph gives as its output cannot become an input', () => {
  const model = parsed(`(x: float32[2], f: bool[]) -> (y)
    a = Neg(x)
    y = If<then_branch={ t () -> (a) u = Relu(a) }, else_branch={ e () -> (q) q = Exp(a) }>(f)`);
  expect(() => cutModel(model, { from: ['a'] })).toThrow(/a is an output of a graph inside a node/);
});

test('inner values as outputs', () => {
  const model = parsed(NET);
  exposeValues(model, ['b', 'y']);
  expect(names(model.graph.outputs)).toEqual(['y', 'z', 'b']);
  expect(() => exposeValues(model, ['x'])).toThrow(/is an input/);
  expectSound(model);
});

test('a glob passes on what its stars matched', () => {
  const rules = [
    { from: 'module.*.weight', to: '*.w' },
    { from: 'a*c*', to: '*-*' },
    { from: 'x.y', to: 'z' },
  ];
  expect(renamed('module.layer1.0.weight', rules)).toBe('layer1.0.w');
  expect(renamed('abcd', rules)).toBe('b-d');
  expect(renamed('xzy', rules)).toBeUndefined();
});

test('parts under other names, which may trade places', () => {
  const model = parsed(NET);
  const count = renameParts(model, {
    inputs: [{ from: 'x', to: 'image' }],
    outputs: [
      { from: 'y', to: 'z' },
      { from: 'z', to: 'y' },
    ],
    initializers: [{ from: '?', to: '?' }].slice(1),
    nodes: [{ from: '*r*', to: '*R*' }],
    values: [{ from: 'v', to: 'second.weight' }],
  });
  expect(count).toBe(6);
  expectSound(model);
  expect(text(model)).toMatchSnapshot();
});

test.each([
  [{ inputs: [{ from: 'nothing*', to: 'x' }] }, /fits nothing\*/],
  [{ values: [{ from: '*', to: 'same' }] }, /two values would be named same/],
  [{ inputs: [{ from: 'x', to: 'a' }] }, /named a/],
])('a renaming that cannot be: %o', (renamings, why) => {
  expect(() => renameParts(parsed(NET), renamings)).toThrow(why);
});

test('stripping leaves what a runtime needs', async () => {
  const model = parsed(NET);
  const edit = new Editor(model);
  edit.setHeader({ docString: 'words', metadata: [{ key: 'labels', value: 'a,b' }] });
  edit.setValueInfos(model.graph, [{ name: 'a', type: model.graph.values.get('a')?.type }]);
  expect(stripModel(model)).toEqual({ valueInfos: 1, docStrings: 1, metadata: 1 });
  expect(stripModel(model)).toEqual({ valueInfos: 0, docStrings: 0, metadata: 0 });
  expectSound(model);
  await expectSameOutputs(parsed(NET), model, TOL.exact);
});

const FUNCTIONS = `<ir: 8, opset: ["": 17, my: 1]>
  function my::Twice<k> opset: ["": 17, my: 1] { (a, i) -> (b, i) t = my::Add(a, a) b = Softmax<axis=@k>(t) }
  function my::Add opset: ["": 17] { (p, q) -> (r) r = Add(p, q) }
  (x: float32[2,3], n: int64[1], f: bool[]) -> (y, m)
    s, m = my::Twice<k=0>(x, n)
    y = If<then_branch={ t () -> (u) u, _ = my::Twice<k=1>(s, n) }, else_branch={ e () -> (v) v = Neg(s) }>(f)`;

test('functions are written in place of their calls, in subgraphs and in other functions too', async () => {
  const { model: flat, calls } = inlineFunctions(parseGraph(FUNCTIONS));
  expect(calls).toBe(4);
  expect(flat.functions).toEqual([]);
  expectSound(flat);
  expect(text(flat)).toMatchSnapshot();
  // onnxruntime refuses a function that passes an input on: the same by hand.
  const byHand = parseGraph(`(x: float32[2,3], n: int64[1], f: bool[]) -> (y, m)
    a = Add(x, x)
    s = Softmax<axis=0>(a)
    m = Identity(n)
    y = If<then_branch={ t () -> (u) b = Add(s, s) u = Softmax<axis=1>(b) }, else_branch={ e () -> (v) v = Neg(s) }>(f)`);
  await expectSameOutputs(byHand, flat, TOL.exact);
});

test('a function that calls itself is refused', () => {
  const model = parseGraph(`<ir: 8, opset: ["": 17, my: 1]>
    function my::F opset: ["": 17, my: 1] { (a) -> (b) b = my::F(a) }
    (x: float32[2]) -> (y) y = my::F(x)`);
  expect(() => inlineFunctions(model)).toThrow(/the call .* cannot be written out/);
});

test('two models in one, of two opsets and with like names', async () => {
  const first = parsed(
    '<ir: 7, opset: ["": 11]> (x: float32[2,1,3]) -> (y, s)\n s = Squeeze@same<axes=[1]>(x)\n y = Neg(x)',
  );
  const second = parsed('(s: float32[2,3], x: float32[3]) -> (y)\n t = Add@same(s, x)\n y = Mul(t, w: float32[3])');
  const { model, inputs, outputs } = joinModels(first, second, new Map([['s', 's']]));
  expectSound(model);
  expect(text(model)).toMatchSnapshot();
  expect([model.opset(''), names(model.graph.inputs), names(model.graph.outputs)]).toEqual([
    17,
    ['x', inputs.get('x')],
    ['y', outputs.get('y')],
  ]);
});

test.each([
  ['(a: float32[2], b: float32[2]) -> (c)\n c = Add(a, b)', new Map<string, string>(), /is not clear/],
  ['(a: float32[3]) -> (c)\n c = Neg(a)', new Map<string, string>(), /y is float32\[2\], a takes float32\[3\]/],
  ['(a: float32[2]) -> (c)\n c = Neg(a)', new Map([['a', 'q']]), /no output q/],
  ['(a: float32[2]) -> (c)\n c = Neg(a)', new Map([['q', 'y']]), /no input q/],
  [
    '<opset: ["": 17, my: 2]> (a: float32[2]) -> (c)\n c = my::F(a)',
    new Map<string, string>(),
    /import my at the versions 1 and 2/,
  ],
])('models that do not go together: %s', (second, map, why) => {
  const first = parseGraph('<opset: ["": 17, my: 1]> (x: float32[2]) -> (y: float32[2])\n y = Relu(x)');
  expect(() => joinModels(first, parseGraph(second), map)).toThrow(why);
});
