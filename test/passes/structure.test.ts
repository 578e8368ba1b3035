import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { checkModel } from '../../src/graph/check.js';
import { everyNode } from '../../src/graph/edit.js';
import { registry } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { brokenInvariants } from '../support/invariants.js';
import { expectSameOutputs, parsed, TOL } from '../support/rules.js';
import { evaluateHere } from '../support/reparam.js';

const branches = (condition: string, more = ''): string => `(x: float32[2,3]) -> (y${more})
  a = Relu(x)
  y${more} = If<then_branch={ g () -> (t${more === '' ? '' : ', u'})
    s = Neg(a)
    t = Add(s, w: float32[3])
    u = Mul(t, w) }, else_branch={ g () -> (t${more === '' ? '' : ', v'})
    s = Sigmoid(a)
    v = Identity(a)
    t = Mul(s, w: float32[3]) }>(${condition})`;

const loop = (
  trips: string,
  start: string,
  goesOn: string,
  scan = true,
): string => `(x: float32[2,3]) -> (y${scan ? ', z' : ''})
  y${scan ? ', z' : ''} = Loop<body={ g (i: int64[], c: bool[], v: float32[2,3]) -> (g, w${scan ? ', s' : ''})
    g = ${goesOn}
    f = Cast<to=1>(i)
    k = Add(v, f)
    w = Mul(k, m: float32[3])
    s = Neg(w) }>(${trips}, ${start}, x)`;

const call = (body: string, of = 'y = my::f(x)', functions = ''): string => `<ir: 10, opset: ["": 17, "my": 1]>
  function my::f opset: ["": 17, "my": 1] { (a) -> (b)
    ${body} }
  ${functions}
  (x: float32[2,3]) -> (y)
  ${of}`;

/** What is left of a model in which everything is known: the text, how many nodes, and the operators that must be gone. */
const CASES: readonly (readonly [name: string, text: string, nodes: number, gone: readonly string[]])[] = [
  ['an If that is true', branches('c: bool[] = [1]'), 3, ['If']],
  ['an If that is false', branches('c: bool[1] = [0]'), 3, ['If']],
  ['an If with two outputs, one of them from outside', branches('c: bool[] = [0]', ', z'), 3, ['If']],
  [
    'an If inside an If, whose condition is a size',
    `(x: float32[2,3], c: bool[]) -> (y)
      y = If<then_branch={ g () -> (t)
        s = Shape(x)
        d = Gather<axis=0>(s, i: int64[] = [1])
        e = Equal(d, k: int64[] = [3])
        t = If<then_branch={ g () -> (p)
          q = Neg(x)
          p = Relu(q) }, else_branch={ g () -> (r)
          r = Abs(x) }>(e) }, else_branch={ g () -> (o)
        o = Sigmoid(x) }>(c)`,
    4,
    [],
  ],
  [
    'names that both branches have, and another subgraph too',
    `(x: float32[2,3], d: bool[]) -> (y)
      a = If<then_branch={ g () -> (t)
        s = Neg(x)
        t = Relu(s) }, else_branch={ g () -> (t)
        t = Abs(x) }>(c: bool[] = [1])
      y = If<then_branch={ g () -> (t)
        s = Exp(a)
        t = Sigmoid(s) }, else_branch={ g () -> (t)
        t = Tanh(a) }>(d)`,
    6,
    [],
  ],
  ['a Loop of one round', loop('m1: int64[] = [1]', 'c0: bool[] = [1]', 'Identity(c)'), 3, ['Loop']],
  ['a Loop that its body ends', loop('m1: int64[] = [7]', '_', 'Identity(n: bool[] = [0])'), 3, ['Loop']],
  ['a Loop of no round', loop('m1: int64[1] = [0]', '_', 'Identity(c)', false), 1, ['Loop']],
  ['a Loop that does not start', loop('m1: int64[] = [5]', 'c0: bool[] = [0]', 'Identity(c)', false), 1, ['Loop']],
  ['a function', call('c = Relu(a)\n b = Neg(c)'), 2, ['f']],
  ['a function called twice', call('c = Exp(a)\n b = Neg(c)', 't = my::f(x)\n y = my::f(t)'), 4, ['f']],
  [
    'functions in functions',
    call(
      'c = my::g(a)\n b = my::g(c)',
      't = my::f(x)\n y = Relu(t)',
      'function my::g opset: ["": 17] { (p) -> (q)\n r = Exp(p)\n q = Neg(r) }',
    ),
    5,
    ['f', 'g'],
  ],
  [
    'attributes, given and by default, in a subgraph too',
    `<ir: 10, opset: ["": 17, "my": 1]>
      function my::f<slope, axis=1> opset: ["": 17] { (a, c) -> (b)
        d = LeakyRelu<alpha=@slope>(a)
        e = Softmax<axis=@axis>(d)
        b = If<then_branch={ g () -> (t)
          t = LeakyRelu<alpha=@slope>(e) }, else_branch={ g () -> (o)
          o = Neg(e) }>(c) }
      (x: float32[2,3], c: bool[]) -> (y)
      t = my::f<slope=0.5>(x, c)
      y = my::f<slope=0.25, axis=0>(t, c)`,
    10,
    ['f'],
  ],
  ['a body that gives its input', call('b = Identity(a)'), 1, ['f']],
  [
    'a function of an older opset with the same operators',
    call('b = Neg(a)').replace('opset: ["": 17, "my": 1] {', 'opset: ["": 13] {'),
    1,
    ['f'],
  ],
  [
    'an input left out',
    call('c = Clip(a, l, u: float32)\n b = Relu(c)', 'y = my::f(x, w: float32[] = [1.5])')
      .replace('(a) ->', '(a, l, u) ->')
      .replace('u: float32)', 'u)'),
    1,
    ['f'],
  ],
];

test.each(CASES)('%s', async (_, text, nodes, gone) => {
  const [before, after] = [parsed(text, 2), parsed(text, 2)];
  await fuse(after, { evaluate: evaluateHere });
  const left = everyNode(after).map((n) => n.opType);
  expect(left.filter((op) => gone.includes(op))).toEqual([]);
  expect(left).toHaveLength(nodes);
  expect(brokenInvariants(after)).toEqual([]);
  expect(checkModel(readOnnx(concat(writeOnnx(after))), registry).filter((p) => p.severity === 'error')).toEqual([]);
  await expectSameOutputs(before, after, TOL.float32);
});

test.each([
  [
    'a condition that is computed',
    `(x: float32[2,3], c: bool[]) -> (y)\n y = If<then_branch={ g () -> (t)\n t = Neg(x) }, else_branch={ g () -> (e)\n e = Abs(x) }>(c)`,
    'If',
  ],
  ['two rounds', loop('m1: int64[] = [2]', '_', 'Identity(c)'), 'Loop'],
  [
    'a number of rounds that is computed',
    loop('n', '_', 'Identity(c)').replace('(x: float32[2,3])', '(x: float32[2,3], n: int64[])'),
    'Loop',
  ],
  [
    'rounds that the body may end, but need not',
    loop('m1: int64[] = [7]', '_', 'Identity(d)').replace('(x: float32[2,3])', '(x: float32[2,3], d: bool[])'),
    'Loop',
  ],
  ['a Loop of no round whose stacked results are needed', loop('m1: int64[] = [0]', '_', 'Identity(c)'), 'Loop'],
  [
    'a function of another opset, in which an operator is another one',
    call('b = ReduceSum<axes=[1]>(a)').replace('opset: ["": 17, "my": 1] {', 'opset: ["": 11] {'),
    'f',
  ],
])('left alone: %s', async (_, text, stays) => {
  const after = parsed(text);
  await fuse(after, { evaluate: evaluateHere });
  expect(everyNode(after).map((n) => n.opType)).toContain(stays);
});

test('overloads are told apart; names, doc strings and metadata of what is written out are kept', async () => {
  const model = parsed(`<ir: 10, opset: ["": 17, "my": 1]>
    function my::f:a opset: ["": 17] { (x) -> (y)
      t = Relu@inner(x)
      y = Neg(t) }
    function my::f:b opset: ["": 17] { (x) -> (y)
      y = Exp@second(x) }
    (x: float32[2]) -> (z)
    t = my::f:a(x)
    u = my::f:a(t)
    z = my::f:b(u)`);
  for (const f of model.functions)
    for (const node of f.body.nodes())
      Object.assign(node, { docString: `doc of ${node.opType}`, metadata: [{ key: 'from', value: node.opType }] });
  await fuse(model, { evaluate: evaluateHere });
  const nodes = [...model.graph.nodes()];
  expect(nodes.map((n) => n.opType)).toEqual(['Relu', 'Neg', 'Relu', 'Neg', 'Exp']);
  expect(nodes.map((n) => n.name)).toEqual(['inner', undefined, 'inner_1', undefined, 'second']);
  expect(nodes.map((n) => n.docString)).toEqual(nodes.map((n) => `doc of ${n.opType}`));
  expect(nodes.map((n) => n.metadata)).toEqual(nodes.map((n) => [{ key: 'from', value: n.opType }]));
  expect(model.functions).toEqual([]);
  expect(nodes.at(-1)?.outputs[0]?.name).toBe('z');
});
