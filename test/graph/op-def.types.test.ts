import { expect, expectTypeOf, test } from 'vitest';
import { Editor } from '../../src/graph/edit.js';
import type { Node, Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { Conv, Relu } from '../../src/ops/index.js';

const node = (): Node => {
  const first = parseGraph('(x: float32[1,1,4,4]) -> (y) y = Conv(x, w: float32[1,1,3,3])').graph.first;
  if (!first) throw new Error('no node');
  return first;
};

test('a declaration types inputs, outputs and attributes', () => {
  const conv = node();
  // @ts-expect-error -- before `is`, nothing is known of the inputs
  void (() => conv.in.x);
  if (!conv.is(Conv)) throw new Error('not a Conv');
  expectTypeOf(conv.in.x).toEqualTypeOf<Value>();
  expectTypeOf(conv.in.b).toEqualTypeOf<Value | undefined>();
  expectTypeOf(conv.attr.group).toEqualTypeOf<number>();
  expectTypeOf(conv.attr.pads).toEqualTypeOf<readonly number[] | undefined>();
  // @ts-expect-error -- misspelt
  expect(conv.attr.gruop).toBeUndefined();
  // @ts-expect-error -- no such input
  expect(conv.in.weight).toBeUndefined();
  expect(conv.attr.group).toBe(1);
});

test('what is made is typed too', () => {
  const { graph } = node();
  const edit = new Editor(graph.model);
  const [x] = graph.inputs;
  if (!x) throw new Error('no input');
  void (() => {
    // @ts-expect-error -- the input is missing
    edit.add(graph, Relu, {});
    // @ts-expect-error -- no such attribute
    edit.add(graph, Conv, { x, w: x }, { gruop: 1 });
    // @ts-expect-error -- of another kind
    edit.add(graph, Conv, { x, w: x }, { group: '1' });
    // @ts-expect-error -- not one of the choices
    edit.add(graph, Conv, { x, w: x }, { auto_pad: 'SAME' });
    // @ts-expect-error -- the IR is read-only
    graph.name = 'other';
  });
  expect(edit.add(graph, Relu, { x }).out.y.producer?.opType).toBe('Relu');
});
