import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import { typeText } from '../../src/graph/types.js';
import { fuse } from '../../src/passes/fuse.js';
import { findTypes } from '../../src/passes/types.js';
import { parseGraph } from '../../src/text/parse.js';

const bn = (y: string, x: string): string =>
  `${y} = BatchNormalization(${x}, g: float32[4], b: float32[4], m: float32[4], v: float32[4] = [1,2,3,4])`;

/** A value of which nothing is known, read by a BatchNormalization and by a convolution beside it. */
const beside = (conv: string): string => `<opset: ["": 17, "my": 1]> (x: float32[1], c: bool[]) -> (y)
  t = my::unknown(x)
  ${bn('n', 't')}
  ${conv}
  y = Add(a, n)`;

test('a convolution proves the rank and the channels of what it reads', async () => {
  const text = beside('a = Conv(t, w: float32[4,4,1,1])');
  const model = parseGraph(text);
  findTypes(model);
  expect(typeText(model.graph.values.get('t')?.type)).toBe('float32[?,4,?,?]');
  expect(model.graph.values.get('n')?.type).toEqual(model.graph.values.get('t')?.type);
  await fuse(model);
  expect(everyNode(model).map((n) => n.opType)).toEqual(['unknown', 'Conv']);
});

test('one in a branch, which may not run, does not', () => {
  const model = parseGraph(
    beside(`a = If<then_branch={ g () -> (p)
      p = Conv(t, w: float32[4,4,1,1]) }, else_branch={ g () -> (q)
      q = Neg(t) }>(c)`),
  );
  findTypes(model);
  expect(typeText(model.graph.values.get('t')?.type)).toBe('?');
});
