import { statSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx } from '../../../src/formats/onnx/index.js';
import { Editor } from '../../../src/graph/edit.js';
import { parseGraph } from '../../../src/text/parse.js';
import { ModelProcess } from '../../../src/node/machine/model-process.js';
import { ModelHandover } from '../../../src/node/machine/model-handover.js';
import { asFloat32, float32Tensor, lazyTensor } from '../../../src/tensor/tensor.js';
import { exportOnnx } from '../../../src/export/onnx.js';
import { isFull } from '../../support/shared.js';
import { weightBytes } from '../../../src/running/weight-bytes.js';

const process = new ModelProcess();
afterAll(() => process.close());

const model = () =>
  parseGraph('(x: float32[2]) -> (y)\n a = Add(x, w: float32[2] = [1,2])\n y = Mul(a, v: float32[2] = [3,4])');

test('a model with a side file that nobody can find there is handed over whole', async () => {
  const { model: main, external = [] } = exportOnnx(model(), { externalData: { file: 'w.bin', threshold: 1 } });
  const side = concat(external);
  const read = readOnnx(concat(main), {
    external: { resolve: () => ({ size: side.length, read: (at, n) => side.subarray(at, at + n) }) },
  });
  const spool = new ModelHandover();
  const location = await spool.put(read);
  expect(location).toBeInstanceOf(Uint8Array);
  const session = await process.load(location);
  const y = (await session.run(new Map([['x', float32Tensor([2], [1, 1])]]))).get('y');
  expect(y && [...asFloat32(y)]).toEqual([6, 12]);
  await session.release();
  spool.close();
});

test.runIf(isFull)('so is one beyond the 2 GiB of protobuf', { timeout: 300_000 }, async () => {
  const count = 2 ** 29 + 2 ** 27;
  const large = parseGraph(
    `(x: float32[2]) -> (y)\n e = Gather(w: float32[8], i: int64[2] = [0, ${count - 1}])\n y = Add(x, e)`,
  );
  const fill = (): Uint8Array => {
    const values = new Float32Array(count);
    values[0] = 5;
    values[count - 1] = 7;
    return new Uint8Array(values.buffer);
  };
  const w = large.graph.values.get('w');
  if (w) new Editor(large).setInitializer(w, lazyTensor('float32', [count], fill));
  expect(weightBytes(large)).toBe(count * 4 + 16);
  const spool = new ModelHandover();
  const location = await spool.put(large);
  expect(typeof location).toBe('string');
  expect(statSync(String(location)).size).toBeLessThan(10_000);
  const session = await process.load(location, { optimization: 'disabled' }, weightBytes(large));
  const y = (await session.run(new Map([['x', float32Tensor([2], [1, 1])]]))).get('y');
  expect(y && [...asFloat32(y)]).toEqual([6, 8]);
  spool.close();
});
