import { expect, test } from 'vitest';
import { Editor } from '../../src/graph/edit.js';
import type { Node, Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { BatchNormalization, BatchNormalization7, Concat, Conv, DepthToSpace, Relu } from '../../src/ops/index.js';

/* What the lens lets through, and what must not compile. */

const nodeOf = (text: string, opset = 17): Node => {
  const node = parseGraph(`<opset: ["": ${opset}]>\n(x: float32[1,4,4,4]) -> (y)\n  y = ${text}`).graph.first;
  if (!node) throw new Error('no node');
  return node;
};

test('a declaration that fits narrows its node', () => {
  const node = nodeOf('Conv<group=2, strides=[2,1]>(x, w: float32[4,2,1,1])');
  // @ts-expect-error -- before `is`, nothing is known of the attributes
  expect(() => node.attr.group).toThrow('bug:');
  if (!node.is(Conv)) throw new Error('it is a Conv');
  const group: number = node.attr.group;
  const strides: readonly number[] | undefined = node.attr.strides;
  const autoPad: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID' = node.attr.auto_pad;
  const bias: Value | undefined = node.in.b;
  expect({ group, strides, autoPad, bias, x: node.in.x.name, w: node.in.w.name }).toEqual({
    group: 2,
    strides: [2, 1],
    autoPad: 'NOTSET',
    bias: undefined,
    x: 'x',
    w: 'w',
  });
  // @ts-expect-error -- no such attribute
  expect(node.attr.gruop).toBeUndefined();
  // @ts-expect-error -- no such input
  expect(node.in.weight).toBeUndefined();
  // @ts-expect-error -- an optional input may be absent
  expect(() => node.in.b.name).toThrow(TypeError);
  // @ts-expect-error -- not one of its choices
  expect(node.attr.auto_pad === 'SAME').toBe(false);
});

test('variadic inputs are a list', () => {
  const node = nodeOf('Concat<axis=1>(x, x)');
  if (!node.is(Concat)) throw new Error('it is a Concat');
  const xs: readonly Value[] = node.in.xs;
  expect(xs.map((v) => v.name)).toEqual(['x', 'x']);
  // @ts-expect-error -- a list has no name
  expect(node.in.xs.name).toBeUndefined();
});

test('a declaration holds for its versions, arity and attributes only', () => {
  const norm = 'BatchNormalization(x, s: float32[4], b: float32[4], m: float32[4], v: float32[4])';
  expect([nodeOf(norm, 15).is(BatchNormalization), nodeOf(norm, 15).is(BatchNormalization7)]).toEqual([true, false]);
  expect([nodeOf(norm, 9).is(BatchNormalization), nodeOf(norm, 9).is(BatchNormalization7)]).toEqual([false, true]);
  expect(nodeOf(norm.replace('(x', '<spatial=0>(x'), 7).is(BatchNormalization7)).toBe(true);
  expect(nodeOf(norm.replace('(x', '<spatial=0>(x'), 9).is(BatchNormalization7)).toBe(false);
  expect(nodeOf('DepthToSpace<blocksize=2, mode="CRD">(x)', 11).is(DepthToSpace)).toBe(true);
  expect(nodeOf('DepthToSpace<blocksize=2, mode="CRD">(x)', 9).is(DepthToSpace)).toBe(false);
  expect(nodeOf('DepthToSpace(x)').is(DepthToSpace)).toBe(false);
  expect(nodeOf('Relu(x, x)').is(Relu)).toBe(false);
  expect(nodeOf('Relu<alpha=1>(x)').is(Relu)).toBe(false);
  expect(nodeOf('my.domain::Relu(x)').is(Relu)).toBe(false);
});

test('the editor takes what the declaration takes', () => {
  const { model } = nodeOf('Relu(x)').graph;
  const edit = new Editor(model);
  const [x] = model.graph.inputs;
  if (!x) throw new Error('no input');
  const w = edit.constant(
    model.graph,
    { dtype: 'float32', shape: [1, 4, 1, 1], byteLength: 16, bytes: () => new Uint8Array(16) },
    'w',
  );
  expect(edit.add(model.graph, Conv, { x, w }, { strides: [2, 2] }).out.y.name).toBe('Conv_out');
  const misuse = (): void => {
    // @ts-expect-error -- the weight is missing
    edit.add(model.graph, Conv, { x });
    // @ts-expect-error -- no such attribute
    edit.add(model.graph, Conv, { x, w }, { stride: [2, 2] });
    // @ts-expect-error -- a list of integers
    edit.add(model.graph, Conv, { x, w }, { strides: 2 });
    // @ts-expect-error -- a list of values
    edit.add(model.graph, Concat, { xs: x }, { axis: 1 });
  };
  expect(misuse).toBeTypeOf('function');
});
