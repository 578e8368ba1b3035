import { describe, expect, test } from 'vitest';
import { drawInputs } from '../../src/running/draw.js';
import { checkSizes, chooseShapes, PLANS } from '../../src/running/plans.js';
import type { Port } from '../../src/running/session.js';
import { asFloat64, asInt64 } from '../../src/tensor/tensor.js';
import { elementCount } from '../../src/tensor/dtype.js';

const [plan] = PLANS;
if (!plan) throw new Error('there are no plans');
const port = (name: string, ...shape: (number | string)[]): Port => ({ name, dtype: 'float32', shape });

describe('sizes', () => {
  test('one name is one size wherever it stands, and a batch where it is one anywhere', () => {
    const ports = [port('x', 'B', 4), port('state', 2, 'B', 4), port('y', 'q', 'h', 3), port('z', 'h', 'q')];
    const shapes = chooseShapes(ports, plan, {});
    expect(shapes.get('x')).toEqual([2, 4]);
    expect(shapes.get('state')).toEqual([2, 2, 4]);
    expect([shapes.get('y')?.[0], shapes.get('y')?.[1]]).toEqual([shapes.get('z')?.[1], shapes.get('z')?.[0]]);
  });

  test('a shape that is given says what its names are elsewhere', () => {
    const ports = [port('x', 'B', 'T'), port('mask', 'B', 'T')];
    expect(chooseShapes(ports, plan, { shapes: new Map([['x', [5, 7]]]) }).get('mask')).toEqual([5, 7]);
  });

  test('a batch of one, and lengths of 512 and 16,000 are among the plans', () => {
    const all = PLANS.map((p) =>
      chooseShapes([port('x', 'batch', 'sequence')], p, {})
        .get('x')
        ?.join(),
    );
    expect(all).toEqual(expect.arrayContaining(['2,8', '1,8', '2,512', '1,512', '2,16000', '1,16000']));
  });

  test('names that there are not are refused, and those that are, are told', () => {
    expect(() => checkSizes([port('x', 'N', '?')], { dims: new Map([['Q', 3]]) })).toThrow(
      expect.objectContaining({ code: 'runtime/input', exitCode: 2, hint: 'there are: N' }),
    );
    expect(() => checkSizes([port('x', 'N')], { shapes: new Map([['z', [3]]]) })).toThrow(/no input is named z/);
  });
});

describe('shapes among the inputs', () => {
  const ports: Port[] = [port('x', 1, 2, 2, 2), { name: 's', dtype: 'int64', shape: [4] }];
  const drawn = (op: 'Reshape' | 'Expand', of: readonly number[], seed: number): readonly number[] => {
    const s = drawInputs({ ports, plan, sizes: {}, seed, roles: new Map([['s', { op, of }]]) }).get('s');
    return s ? Array.from(asInt64(s), Number) : [];
  };

  test('hold as many elements in another order, or what broadcasts', () => {
    const shapes = Array.from({ length: 10 }, (_, seed) => drawn('Reshape', [1, 2, 2, 2], seed));
    expect(shapes.every((s) => elementCount(s) === 8 && s.join() !== '1,2,2,2')).toBe(true);
    expect(new Set(shapes.map(String)).size).toBeGreaterThan(2);
    const wide = Array.from({ length: 10 }, (_, seed) => drawn('Expand', [2, 1, 2], seed));
    expect(wide.every(([a = 0, b, c = 0, d]) => a >= 1 && b === 2 && c >= 1 && d === 2)).toBe(true);
    expect(wide.some(([a, , c]) => (a ?? 1) * (c ?? 1) > 1)).toBe(true);
  });
});

test('pictures: smooth, with edges, in the range that they are said to have, in either order of axes', () => {
  for (const shape of [
    [1, 3, 32, 40],
    [1, 32, 40, 3],
  ]) {
    const of = (picture: 'normalised' | 'unit' | 'pixels'): Float64Array => {
      const x = drawInputs({ ports: [port('x', ...shape)], plan, sizes: {}, seed: 3, picture }).get('x');
      return x ? asFloat64(x) : new Float64Array(0);
    };
    const pixels = of('pixels');
    expect(Math.max(...pixels)).toBeLessThanOrEqual(255);
    expect(Math.max(...pixels)).toBeGreaterThan(100);
    expect(Math.min(...of('normalised'))).toBeLessThan(0);
    const unit = of('unit');
    const step = shape[1] === 3 ? 1 : 3;
    // Neighbours are alike: half of normal numbers would be further apart.
    const near = unit.filter((v, i) => i + step < unit.length && Math.abs(v - (unit[i + step] ?? 0)) < 0.1);
    expect(near.length / unit.length).toBeGreaterThan(0.6);
  }
});
