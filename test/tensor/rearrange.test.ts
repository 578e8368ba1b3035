import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { reshapeTensor, transposeTensor } from '../../src/tensor/rearrange.js';
import { asFloat64, float32Tensor, int64Tensor, tensor } from '../../src/tensor/tensor.js';

test('a matrix, by hand', () => {
  const t = transposeTensor(int64Tensor([2, 3], [1, 2, 3, 4, 5, 6]), [1, 0]);
  expect(t?.shape).toEqual([3, 2]);
  expect(t && Array.from(asFloat64(t))).toEqual([1, 4, 2, 5, 3, 6]);
});

test('element by element, for any order of up to four axes', () => {
  const cases = fc
    .array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
    .chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    );
  fc.assert(
    fc.property(cases, ([shape, perm]) => {
      const count = shape.reduce((n, d) => n * d, 1);
      const t = transposeTensor(
        float32Tensor(
          shape,
          Float32Array.from({ length: count }, (_, i) => i),
        ),
        perm,
      );
      const found = t ? asFloat64(t) : new Float64Array();
      expect(t?.shape).toEqual(perm.map((p) => shape[p]));
      found.forEach((value, at) => {
        // The place of this element in the result, as indices; put in the input's order, they are its number.
        const index: number[] = [];
        let rest = at;
        for (const p of perm.toReversed()) {
          const size = shape[p] ?? 1;
          index[p] = rest % size;
          rest = Math.floor(rest / size);
        }
        expect(value).toBe(shape.reduce((n, d, axis) => n * d + (index[axis] ?? 0), 0));
      });
    }),
  );
});

test('what has no bytes of its own for each element, and what is no order of the axes, is refused', () => {
  expect(transposeTensor(tensor('int4', [2, 2], new Uint8Array(2)), [1, 0])).toBeUndefined();
  expect(transposeTensor(float32Tensor([2, 2], [1, 2, 3, 4]), [0, 0])).toBeUndefined();
});

test('another shape over the same bytes; another number of elements is an error', () => {
  const t = float32Tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  expect(reshapeTensor(t, [3, 2]).bytes()).toBe(t.bytes());
  expect(() => reshapeTensor(t, [4])).toThrow(expect.objectContaining({ code: 'tensor/size' }));
});
