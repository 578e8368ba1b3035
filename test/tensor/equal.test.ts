import { expect, test } from 'vitest';
import { equalTensors, hashTensor, tensorEdges } from '../../src/tensor/equal.js';
import { float32Tensor, int64Tensor, tensor } from '../../src/tensor/tensor.js';

test('FNV-1a of known strings', () => {
  const hash = (text: string): number => hashTensor(tensor('uint8', [text.length], new TextEncoder().encode(text)));
  expect(hash('')).toBe(0x811c9dc5);
  expect(hash('a')).toBe(0xe40c292c);
  expect(hash('foobar')).toBe(0xbf9cf968);
});

test('type, shape and every byte count', () => {
  const a = float32Tensor([2, 2], [1, 2, 3, 4]);
  expect(equalTensors(a, float32Tensor([2, 2], [1, 2, 3, 4]))).toBe(true);
  expect(equalTensors(a, float32Tensor([4], [1, 2, 3, 4]))).toBe(false);
  expect(equalTensors(a, float32Tensor([2, 2], [1, 2, 3, 5]))).toBe(false);
  expect(equalTensors(float32Tensor([1], [0]), float32Tensor([1], [-0]))).toBe(false);
  expect(equalTensors(float32Tensor([2], [0, 0]), int64Tensor([1], [0]))).toBe(false);
});

test('a difference beyond the first block and away from the edges is found, and changes the hash', () => {
  const bytes = new Uint8Array(3 << 20);
  const other = bytes.slice();
  other[2_500_000] = 1;
  const [a, b] = [tensor('uint8', [bytes.length], bytes), tensor('uint8', [bytes.length], other)];
  expect(tensorEdges(a)).toBe(tensorEdges(b));
  expect(hashTensor(a)).not.toBe(hashTensor(b));
  expect(equalTensors(a, b)).toBe(false);
  expect(equalTensors(a, tensor('uint8', [bytes.length], bytes.slice()))).toBe(true);
});
