import { afterAll, expect, test } from 'vitest';
import { Editor, everyNode } from '../../src/graph/edit.js';
import type { Model, Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';
import { Add, Concat, Identity, Neg } from '../../src/ops/index.js';
import { SIMPLIFICATIONS, simplify, type SimplifyOptions } from '../../src/passes/simplify.js';
import { evaluator } from '../../src/running/evaluate.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { expectSameOutputs, parsed, TOL } from '../support/rules.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';

const models = new ProcessRunner({ timeout: 20_000 });
afterAll(() => models.close());
const evaluate = evaluator(models);

interface Simplified {
  readonly before: Model;
  readonly after: Model;
  readonly applied: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

async function simplified(text: string, options: SimplifyOptions = { evaluate }): Promise<Simplified> {
  const before = parsed(text);
  const after = parsed(text);
  const report = await simplify(after, options);
  return { before, after, applied: Object.fromEntries(report.applied), failures: report.failures };
}

const ops = (model: Model): string[] => everyNode(model).map((n) => n.opType);

test('the steps and rules have names of their own, sorted', () => {
  const names = SIMPLIFICATIONS.map((s) => s.name);
  expect(names).toEqual([...new Set(names)].sort());
});

test('only and skip choose among them; an unknown name is refused with the nearest', async () => {
  const text = '(x: float32[2,3]) -> (y)\n a = Identity(x)\n b = Relu(a)\n c = Relu(b)\n y = Neg(c)';
  expect(ops((await simplified(text, { only: ['identity'] })).after)).toEqual(['Relu', 'Relu', 'Neg']);
  expect(ops((await simplified(text, { skip: ['identity'] })).after)).toEqual(['Identity', 'Relu', 'Neg']);
  await expect(simplified(text, { skip: ['identiti'] })).rejects.toMatchObject({
    code: 'passes/unknown-rule',
    hint: 'did you mean identity?',
  });
});

test('shape arithmetic of known sizes folds without an evaluator: what a channel shuffle is exported as', async () => {
  const { before, after } = await simplified(
    `(x: float32[2,4,5,5]) -> (y)
     s = Shape(x)
     c = Gather(s, one: int64[] = [1])
     h = Gather(s, two: int64[] = [2])
     half = Div(c, d: int64[] = [2])
     a = Unsqueeze(half, zero: int64[1] = [0])
     b = Unsqueeze(h, zero)
     p = Concat<axis=0>(m: int64[1] = [2], e: int64[1] = [2], a, b, b)
     u = Reshape(x, p)
     t = Transpose<perm=[0,2,1,3,4]>(u)
     q = Concat<axis=0>(m, n: int64[1] = [-1], b, b)
     y = Reshape(t, q)`,
    {},
  );
  expect(ops(after)).toEqual(['Reshape', 'Transpose', 'Reshape']);
  await expectSameOutputs(before, after, TOL.exact);
});

test('sizes that are not known stay computed', async () => {
  const { before, after } = await simplified(
    '(x: float32[n,4]) -> (y)\n s = Shape(x)\n g = Gather(s, i: int64[1] = [0])\n y = Cast<to=1>(g)',
    {},
  );
  expect(ops(after)).toEqual(['Shape', 'Gather', 'Cast']);
  await expectSameOutputs(before, after, TOL.exact);
});

test('weights that are computed from constants fold, in one evaluation', async () => {
  let calls = 0;
  const counting: typeof evaluate = (region) => {
    calls += 1;
    return evaluate(region);
  };
  const text = `(x: float32[n,4]) -> (y)
     s = Sqrt(v: float32[4])
     k = Div(g: float32[4], s)
     r = Reshape(k, i: int64[2] = [4,1])
     w = Mul(r, z: float32[4,3])
     t = MatMul(x, w)
     o = Neg(c: float32[3])
     y = Add(t, o)`;
  const { before, after } = await simplified(text, { evaluate: counting });
  expect(ops(after)).toEqual(['Gemm']);
  expect(calls).toBe(1);
  await expectSameOutputs(before, after, TOL.float32);
  // Without an evaluator the arithmetic stays.
  expect(ops((await simplified(text, {})).after)).toEqual(['Sqrt', 'Div', 'Reshape', 'Mul', 'Neg', 'Gemm']);
});

test('several outputs of a constant node fold, and constants inside a subgraph', async () => {
  const { before, after } = await simplified(
    `(x: float32[n,2], b: bool[]) -> (y)
     p, q = Split<axis=0>(w: float32[4])
     a = Add(x, p)
     c = Add(a, q)
     y = If<then_branch={ yes () -> (t)
       e = Exp(p)
       t = Mul(c, e) }, else_branch={ no () -> (u) u = Neg(c) }>(b)`,
  );
  expect(ops(after).sort()).toEqual(['Add', 'Add', 'If', 'Mul', 'Neg']);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  [
    'a random operator',
    '(x: float32[4]) -> (y)\n r = RandomNormal<shape=[4]>()\n y = Add(x, r)',
    ['RandomNormal', 'Add'],
  ],
  [
    'a quantised weight',
    '(x: float32[n,4]) -> (y)\n w = DequantizeLinear(q: int8[4,2], s: float32[] = [0.5])\n y = MatMul(x, w)',
    ['DequantizeLinear', 'MatMul'],
  ],
  [
    'a default that callers may override',
    '(x: float32[4], w: float32[4] = [1,2,3,4]) -> (y)\n e = Exp(w)\n y = Add(x, e)',
    ['Exp', 'Add'],
  ],
  [
    'an operator that cnnx does not know',
    '<opset: ["": 17, "com.example": 1]> (x: float32[4]) -> (y)\n e = com.example::Exp(w: float32[4])\n y = Add(x, e)',
    ['Exp', 'Add'],
  ],
  [
    'a tensor of 40 MB made of one number',
    '(x: float32[1]) -> (y)\n z = ConstantOfShape(s: int64[1] = [10000000])\n y = Add(x, z)',
    ['ConstantOfShape', 'Add'],
  ],
  [
    'a small table tiled to 4 MB',
    '(x: float32[1]) -> (y)\n z = Tile(t: float32[10], r: int64[1] = [100000])\n y = Add(x, z)',
    ['Tile', 'Add'],
  ],
])('%s stays', async (_, text, expected) => {
  expect(ops((await simplified(text)).after)).toEqual(expected);
});

test('a large constant takes the place of the one that it was made from', async () => {
  const { after } = await simplified('(x: float32[1]) -> (y)\n e = Exp(w: float32[600,600])\n y = Add(x, e)');
  expect(ops(after)).toEqual(['Add']);
  const kept = await simplified(
    '(x: float32[1]) -> (y, v)\n e = Exp(w: float32[600,600])\n y = Add(x, e)\n v = Add(x, w)',
  );
  expect(ops(kept.after)).toEqual(['Exp', 'Add', 'Add']);
});

test('what cannot be evaluated stays, says why, and does not keep the rest from folding', async () => {
  const { before, after, failures } = await simplified(
    `(x: float32[2,3]) -> (y)
     bad = MatMul(a: float32[2,3], b: float32[3,2])
     f = Gather(bad, i: int64[] = [7])
     e = Exp(w: float32[3])
     t = Add(x, e)
     r = ReduceSum<keepdims=0>(f)
     y = Add(t, r)`,
    {
      evaluate: async (region) =>
        ops(region).includes('Gather') ? { failed: 'indices element out of data bounds' } : evaluate(region),
    },
  );
  expect(ops(after)).toEqual(['MatMul', 'Gather', 'Add', 'ReduceSum', 'Add']);
  expect(failures).toEqual(['indices element out of data bounds']);
  expect(before.graph.nodeCount).toBe(6);
});

test('common subexpressions, duplicate initializers and dead code', async () => {
  const { before, after } = await simplified(
    `(x: float32[2,3]) -> (y, z)
     a = Add(x, c: float32[3] = [1,2,3])
     b = Add(x, d: float32[3] = [1,2,3])
     e = Softmax<axis=1>(a)
     f = Softmax<axis=1>(b)
     g = Softmax<axis=0>(b)
     dead = Exp(b)
     deader = Neg(dead)
     s = Mul(e, f)
     y = Mul(s, g)
     z = Add(x, c)`,
  );
  expect(printGraph(after, { types: 'none' })).toMatchInlineSnapshot(`
    "(x: float32[2,3]) -> (y, z)
      z = Add(x, c: float32[3] = [1,2,3])
      e = Softmax<axis=1>(z)
      g = Softmax<axis=0>(z)
      s = Mul(e, e)
      y = Mul(s, g)
    "
  `);
  await expectSameOutputs(before, after, TOL.exact);
});

test('zeros of two signs and NaNs of two kinds are not the same constant', async () => {
  const { after } = await simplified(
    '(x: float32[1]) -> (y)\n a = Div(x, p: float32[2] = [0,1])\n b = Div(x, n: float32[2] = [-0,1])\n y = Add(a, b)',
  );
  expect(ops(after)).toEqual(['Div', 'Div', 'Add']);
});

test('random nodes with equal attributes are not the same node', async () => {
  const { after } = await simplified(
    '(x: float32[4]) -> (y)\n a = RandomNormalLike(x)\n b = RandomNormalLike(x)\n y = Sub(a, b)',
  );
  expect(ops(after)).toEqual(['RandomNormalLike', 'RandomNormalLike', 'Sub']);
});

test('a declared type that cannot be true is not believed', async () => {
  const text =
    '(x: float32[1,1]) -> (y: float32[])\n s = Reshape(x, a: int64[0] = [])\n y = Reshape(s, b: int64[1] = [-1])';
  const after = parseGraph(text);
  await simplify(after);
  await expectSameOutputs(parseGraph(text), after, TOL.exact);
});

test('below IR version 4 the caller cannot override an initializer that is an input, and new ones are inputs', async () => {
  const { before, after } = await simplified(
    '<ir: 3, opset: ["": 9]> (x: float32[4], w: float32[4] = [1,2,3,4]) -> (y)\n e = Exp(w)\n c = Constant<value: float32[4] = [4,3,2,1]>()\n t = Mul(e, c)\n y = Add(x, t)',
  );
  expect(ops(after)).toEqual(['Add']);
  expect(after.graph.inputs.map((v) => v.name)).toEqual(['x', 't']);
  await expectSameOutputs(before, after, TOL.float32);
});

/** n nodes that `add` makes one by one, each from the value before, joined by one Concat if asked for. */
function large(n: number, add: (edit: Editor, x: Value) => Value, join: boolean): Model {
  const model = parseGraph('(x: float32[1,4]) -> ()');
  const edit = new Editor(model);
  const [x] = model.graph.inputs;
  if (!x) throw new Error('bug: no input');
  const made: Value[] = [x];
  for (let i = 0; i < n; i++) made.push(add(edit, (join ? made[0] : made.at(-1)) ?? x));
  const y = join ? edit.add(model.graph, Concat, { xs: made.slice(1) }, { axis: 0 }).out.y : made.at(-1);
  edit.addOutput(model.graph, edit.add(model.graph, Neg, { x: y ?? x }).out.y);
  return model;
}

const identity = (edit: Editor, x: Value): Value => edit.add(x.graph, Identity, { x }).out.y;
const plusConstant = (edit: Editor, x: Value): Value =>
  edit.add(x.graph, Add, { a: x, b: edit.constant(x.graph, float32Tensor([], [edit.revision + 1]), 'c') }).out.y;

// Quadratic time would be minutes: the limit is wide, for busy machines.
test.each([
  ['a chain of 20,000 that goes', () => large(20_000, identity, false), 1],
  ['a Concat of 20,000 inputs that go', () => large(20_000, identity, true), 2],
  ['a value with 20,000 uses', () => large(20_000, plusConstant, true), 20_002],
])('time is linear: %s', { timeout: 60_000 }, async (_, make, nodes) => {
  const model = make();
  await simplify(model);
  expect(model.graph.nodeCount).toBe(nodes);
});
