import { expect, test } from 'vitest';
import { cloneModel } from '../../src/graph/clone.js';
import { attrOf } from '../../src/graph/attr.js';
import { Editor } from '../../src/graph/edit.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';

const TEXT = `function d::f<alpha> opset: ["": 17] {
  (a) -> (c)
    c = Add<k=@alpha>(a, a)
}
(x: float32[2], w: float32[2] = [1,2]) -> (y: float32[2], x)
  h: float32[2] = Relu(x)
  s: sparse float32[4] = { float32[1] = [7], int64[1] = [2] }
  y = If<then_branch={ then () -> (t)
      t = Loop<body={ b (i) -> (o)
          o = Add(i, h) }>(h) }, else_branch={ else () -> (h) }>(c: bool[] = [1])
  z = d::f<alpha=1>(nothing)
`;

test('a clone prints the same, and shares tensors but no value, node or graph', () => {
  const model = parseGraph(TEXT);
  const before = printGraph(model, { data: 'all' });
  const clone = cloneModel(model);
  expect(printGraph(clone, { data: 'all' })).toBe(before);
  expect(clone.graph.values.get('w')?.initializer).toBe(model.graph.values.get('w')?.initializer);
  for (const [name, value] of clone.graph.values) {
    expect(value === model.graph.values.get(name), name).toBe(false);
    expect(value.graph === clone.graph, name).toBe(true);
  }
  expect(clone.functions[0]?.model === clone).toBe(true);
});

test('captured values, uses and outputs point into the clone', () => {
  const clone = cloneModel(parseGraph(TEXT));
  const [, branch] = [...clone.graph.nodes()];
  const [then, otherwise] = branch?.subgraphs ?? [];
  const h = clone.graph.values.get('h');
  const add = then?.first?.subgraphs[0]?.first;
  expect(then?.owner).toBe(branch);
  expect(add?.inputs[1]).toBe(h);
  expect(add && h?.uses.get(add)).toBe(1);
  expect(otherwise?.outputs[0]).toBe(h);
  expect(h?.outputCount).toBe(1);
  expect(clone.graph.values.get('x')?.isInput).toBe(true);
  expect(clone.graph.values.get('nothing')?.isUndefined).toBe(true);
});

test('editing the clone leaves the original as it was', () => {
  const model = parseGraph(TEXT);
  const before = printGraph(model, { data: 'all' });
  const clone = cloneModel(model);
  const edit = new Editor(clone);
  const [x] = clone.graph.inputs;
  const [relu] = [...clone.graph.nodes()];
  if (!x || !relu) throw new Error('not found');
  edit.rename(x, 'renamed');
  edit.setAttr(relu, attrOf.int('k', 1));
  expect(printGraph(model, { data: 'all' })).toBe(before);
  expect(printGraph(clone)).toContain('h: float32[2] = Relu<k=1>(renamed)');
});

test('a chain of 100,000 nodes is no problem', () => {
  let text = '(x0) -> (x100000)';
  for (let i = 0; i < 100_000; i++) text += ` x${i + 1} = Relu(x${i})`;
  const clone = cloneModel(parseGraph(text));
  expect(clone.graph.nodeCount).toBe(100_000);
  expect(printGraph(clone)).toContain('x100000 = Relu(x99999)');
});
