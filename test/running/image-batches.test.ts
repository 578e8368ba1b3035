import { expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { imageBatches } from '../../src/running/image-batches.js';
import type { Image } from '../../src/tensor/image.js';

const image = (file: string): Image => ({ width: 1, height: 1, data: Uint8Array.of(Number(file), 0, 0) });

test('groups in order, errors in their places, and no more than the next group prepared', async () => {
  let prepared = 0;
  const prepare = async (file: string): Promise<Image> => {
    prepared += 1;
    if (file === '3') throw new CnnxError('image/unreadable', 'three');
    return image(file);
  };
  const seen: unknown[] = [];
  for await (const group of imageBatches(['0', '1', '2', '3', '4', '5', '6'], 2, prepare)) {
    seen.push(group.map((p) => ('image' in p ? p.image.data[0] : p.error.message)));
    expect(prepared).toBeLessThanOrEqual(2 * seen.length + 2);
  }
  expect(seen).toEqual([[0, 1], [2, 'three'], [4, 5], [6]]);
});

test('files may come from a stream; a bug is thrown, not taken for a broken file', async () => {
  async function* files(): AsyncGenerator<string> {
    yield '1';
    yield '2';
  }
  const found: (readonly unknown[])[] = [];
  for await (const g of imageBatches(files(), 16, async (file) => image(file))) found.push(g);
  expect(found.map((g) => g.length)).toEqual([2]);
  const broken = imageBatches(['1'], 1, () => Promise.reject(new Error('bug')));
  await expect(broken.next()).rejects.toThrow('bug');
});
