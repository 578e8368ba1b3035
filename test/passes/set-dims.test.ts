import { describe, expect, test } from 'vitest';
import type { Model } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { typeText } from '../../src/graph/types.js';
import { setDims } from '../../src/passes/set-dims.js';

const types = (m: Model): string[] => [...m.graph.inputs, ...m.graph.outputs].map((v) => typeText(v.type));

const net = `(x: float32[1,3,h,w]) -> (y: float32[1,10])
  c = Conv<strides=[2,2]>(x, k: float32[8,3,3,3])
  p = GlobalAveragePool(c)
  f = Flatten(p)
  y = Gemm(f, g: float32[8,10])`;

describe('sizes of inputs', () => {
  test('a batch is opened, and the outputs follow', () => {
    const m = parseGraph(net);
    setDims(m, { batch: 'n' });
    expect(types(m)).toEqual(['float32[n,3,h,w]', 'float32[n,10]']);
    setDims(m, { batch: 4 });
    expect(types(m)).toEqual(['float32[4,3,h,w]', 'float32[4,10]']);
  });

  test('named sizes are fixed', () => {
    const m = parseGraph(net.replace('-> (y: float32[1,10])', '-> (y: float32[1,10], c: float32[1,8,a,b])'));
    setDims(m, {
      dims: new Map([
        ['h', 33],
        ['w', 17],
      ]),
    });
    expect(types(m)).toEqual(['float32[1,3,33,17]', 'float32[1,10]', 'float32[1,8,16,8]']);
  });

  test('a name that is not there is refused, and those that are, are told', () => {
    expect(() => setDims(parseGraph(net), { dims: new Map([['n', 4]]) })).toThrow(/no input has a dimension named n/);
  });

  test('a size that the network cannot take is refused, with the node', () => {
    const flat = '(x: float32[n,1,h,4]) -> (y)\n f = Flatten(x)\n y = Gemm@fc(f, g: float32[16,10])';
    expect(() => setDims(parseGraph(flat), { dims: new Map([['h', 5]]) })).toThrow(/fc/);
  });

  test('a constant that says the batch is rewritten; a row that is taken is found out', () => {
    const fixed = parseGraph('(x: float32[1,4,4]) -> (y: float32[1,16])\n y = Reshape(x, s: int64[2] = [1,-1])');
    setDims(fixed, { batch: 3 });
    expect(types(fixed)).toEqual(['float32[3,4,4]', 'float32[3,16]']);
    const row = '(x: float32[1,4,4]) -> (y: float32[1,4,4])\n y = Gather(x, i: int64[1] = [0])';
    expect(() => setDims(parseGraph(row), { batch: 3 })).toThrow(/stays float32\[1,4,4\] at batch 3/);
  });
});
