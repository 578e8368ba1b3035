import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRange } from '../../../src/base/bytes.js';
import { scaledRows } from '../../../src/passes/affine/scaled-rows.js';
import { asFloat32, float32Tensor, lazyTensor } from '../../../src/tensor/tensor.js';

const bytesOf = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

const finite = fc.float({ noNaN: true, min: -1e10, max: 1e10 });

test('any stretch of scaled rows, of whole numbers or not, is that of all of them multiplied at once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }).chain((rows) =>
        fc.tuple(
          fc.array(fc.double({ noNaN: true, min: -1e10, max: 1e10 }), { minLength: rows, maxLength: rows }),
          fc
            .integer({ min: 1, max: 9 })
            .chain((size) => fc.array(finite, { minLength: rows * size, maxLength: rows * size })),
        ),
      ),
      fc.nat(),
      fc.nat(),
      fc.nat({ max: 3 }),
      ([factor, values], from, count, offset) => {
        const size = values.length / factor.length;
        const expected = bytesOf(values.map((v, i) => v * (factor[Math.floor(i / size)] ?? 0)));
        const t = scaledRows(float32Tensor([values.length], values), Float64Array.from(factor), [factor.length, size]);
        const at = from % expected.length;
        const length = count % (expected.length - at + 1);
        const out = new Uint8Array(offset + length).subarray(offset);
        t?.range?.readInto(at, out);
        expect([...out]).toEqual([...expected.subarray(at, at + length)]);
        expect([...(t?.bytes() ?? [])]).toEqual([...expected]);
      },
    ),
    { seed: 8 },
  );
});

test('what is not finite is found wherever it stands, in large tensors too', () => {
  const values = new Float32Array(3 * 200_000).fill(1);
  const factor = new Float64Array([1, 2, 3]);
  expect(scaledRows(float32Tensor([3, 200_000], values), factor, [3, 200_000])).toBeDefined();
  for (const [place, value] of [
    [0, Number.NaN],
    [299_999, Number.POSITIVE_INFINITY],
    [599_999, 3e38],
  ] as const) {
    const wrong = values.slice();
    wrong[place] = value;
    expect(scaledRows(float32Tensor([3, 200_000], wrong), factor, [3, 200_000])).toBeUndefined();
  }
});

test('large numbers are taken where their own factor leaves them finite', () => {
  const large = float32Tensor([2, 2], [1e30, -1e30, 1, -1]);
  const t = scaledRows(large, new Float64Array([1, 1e30]), [2, 2]);
  expect(t && [...asFloat32(t)]).toEqual([1e30, -1e30, 1e30, -1e30].map(Math.fround));
  expect(scaledRows(large, new Float64Array([1e30, 1]), [2, 2])).toBeUndefined();
  expect(scaledRows(large, new Float64Array([1, Number.NaN]), [2, 2])).toBeUndefined();
});

test('rows are read from where they lie at each call; rows that lie nowhere are not taken', () => {
  const values = [1, 2, 3, 4];
  let reads = 0;
  const source = {
    size: 16,
    read: (at: number, size: number): Uint8Array => {
      reads += 1;
      return bytesOf(values).subarray(at, at + size);
    },
  };
  const stored = { ...float32Tensor([2, 2], values), range: new ByteRange(source, 0, 16) };
  const t = scaledRows(stored, new Float64Array([1, 10]), [2, 2]);
  expect(reads).toBe(1);
  for (let i = 0; i < 2; i++) expect(t && [...asFloat32(t)]).toEqual([1, 2, 30, 40]);
  expect(reads).toBe(3);
  expect(
    scaledRows(
      lazyTensor('float32', [2, 2], () => bytesOf(values)),
      new Float64Array([1, 1]),
      [2, 2],
    ),
  ).toBeUndefined();
  // Rows that are scaled already are not scaled again on the way: reading them stays one step.
  expect(t && scaledRows(t, new Float64Array([1, 1]), [2, 2])).toBeUndefined();
});
