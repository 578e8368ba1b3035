import { describe, expect, test } from 'vitest';
import type { StateDict } from '../../src/formats/state-dict.js';
import { Editor } from '../../src/graph/edit.js';
import { Model } from '../../src/graph/ir.js';
import { asFloat64, float32Tensor, fromFloat64, int64Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { replaceInitializers } from '../../src/weights/index.js';

function model(entries: Readonly<Record<string, Tensor>>): Model {
  const made = new Model();
  const editor = new Editor(made);
  editor.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  for (const [name, t] of Object.entries(entries)) editor.addInitializer(made.graph, name, t);
  return made;
}

const stateDict = (entries: Readonly<Record<string, Tensor>>): StateDict => ({
  format: 'safetensors',
  tensors: new Map(Object.entries(entries)),
  metadata: new Map(),
});

const data = (m: Model, name: string): number[] => {
  const t = m.graph.values.get(name)?.initializer;
  return t ? [...asFloat64(t)] : [];
};

test('by name, the rest kept, counts of batches passed over', () => {
  const m = model({ w: float32Tensor([2], [1, 2]), b: float32Tensor([1], [3]), shape: int64Tensor([1], [7]) });
  const report = replaceInitializers(
    m,
    stateDict({ 'module.w': float32Tensor([2], [8, 9]), 'module.bn.num_batches_tracked': int64Tensor([], [5]) }),
  );
  expect(report).toMatchObject({ replaced: 1, kept: ['b', 'shape'], unused: [] });
  expect(data(m, 'w')).toEqual([8, 9]);
  expect(data(m, 'b')).toEqual([3]);
});

test.each([
  ['float32', 'float16', [1.5, -0, 1e-7], [1.5, -0, 2 ** -24 * 2]],
  ['float16', 'float32', [1.5, 65504, 2 ** -24], [1.5, 65504, 2 ** -24]],
  ['float64', 'float32', [1 / 3, 1e300], [Math.fround(1 / 3), Number.POSITIVE_INFINITY]],
  ['bfloat16', 'float64', [1.5, 3], [1.5, 3]],
] as const)('%s takes the type of the %s initializer', (from, to, values, expected) => {
  const shape = [values.length];
  const m = model({ w: fromFloat64(to, shape, new Float64Array(values.length)) });
  replaceInitializers(m, stateDict({ w: fromFloat64(from, shape, Float64Array.from(values)) }));
  expect(m.graph.values.get('w')?.initializer?.dtype).toBe(to);
  expect(data(m, 'w')).toEqual(expected);
});

describe('what does not fit', () => {
  const bad = {
    w: float32Tensor([3], [1, 2, 3]),
    biass: float32Tensor([1], [1]),
    k: float32Tensor([1], [1]),
    good: float32Tensor([1], [4]),
  };
  const target = () =>
    model({
      w: float32Tensor([2], [1, 2]),
      bias: float32Tensor([1], [3]),
      k: int64Tensor([1], [7]),
      good: float32Tensor([1], [0]),
    });

  test('is refused, all of it at once', () => {
    const m = target();
    expect(() => replaceInitializers(m, stateDict(bad))).toThrow(
      expect.objectContaining({
        code: 'weights/mismatch',
        message: expect.stringMatching(
          /3 tensors[^]*w +float32\[3\] +float32\[2\][^]*biass +float32\[1\] +bias[^]*k +float32\[1\] +int64\[1\]/,
        ),
      }),
    );
    expect(data(m, 'good')).toEqual([0]);
  });

  test('is left out with partial', () => {
    const m = target();
    expect(replaceInitializers(m, stateDict(bad), { partial: true })).toEqual({
      replaced: 1,
      kept: ['w', 'bias', 'k'],
      unused: ['w', 'biass', 'k'],
      notes: [],
    });
    expect(data(m, 'good')).toEqual([4]);
  });

  test('nothing that fits is refused even then', () => {
    expect(() => replaceInitializers(target(), stateDict({ x: float32Tensor([1], [1]) }), { partial: true })).toThrow(
      expect.objectContaining({ code: 'weights/nothing' }),
    );
  });
});
