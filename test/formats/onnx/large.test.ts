import { expect, test } from 'vitest';
import { type ByteRange, type ByteSource, type Chunk, chunkBytes, chunkSize } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { Editor } from '../../../src/graph/edit.js';
import { lazyTensor } from '../../../src/tensor/tensor.js';
import { sampleModel } from '../../support/sample-model.js';

const HUGE = 1e9;

/** A file of 3 GB that is nowhere: large pieces are zeros, made as they are read. */
class Synthetic implements ByteSource {
  readonly size: number;
  /** Bytes that were read from it. */
  readBytes = 0;

  constructor(readonly chunks: readonly Chunk[]) {
    this.size = chunks.reduce((n, c) => n + chunkSize(c), 0);
  }

  read(at: number, size: number): Uint8Array {
    this.readBytes += size;
    const out = new Uint8Array(size);
    let start = 0;
    for (const chunk of this.chunks) {
      const end = start + chunkSize(chunk);
      if (chunkSize(chunk) < HUGE && start < at + size && end > at) {
        const bytes = chunkBytes(chunk).subarray(Math.max(0, at - start), at + size - start);
        out.set(bytes, Math.max(0, start - at));
      }
      start = end;
    }
    return out;
  }
}

function synthetic(): Synthetic {
  const model = readOnnx(sampleModel());
  const editor = new Editor(model);
  for (const name of ['a', 'b', 'c']) {
    editor.addInitializer(
      model.graph,
      name,
      lazyTensor('uint8', [HUGE], () => {
        throw new Error('a weight was made');
      }),
    );
  }
  return new Synthetic(writeOnnx(model));
}

test('a file beyond 2 GiB is read without its weights, and what stands behind them is found', () => {
  const source = synthetic();
  expect(source.size).toBeGreaterThan(3e9);
  const model = readOnnx(source);
  expect(source.readBytes).toBeLessThan(1e6);
  const ranges = ['a', 'b', 'c'].map((name) => model.graph.values.get(name)?.initializer?.range);
  expect(ranges.map((r) => r?.size)).toEqual([HUGE, HUGE, HUGE]);
  expect(ranges[2]?.at).toBeGreaterThan(2e9);
  // Inputs, outputs and functions come after the initializers.
  expect(model.graph.inputs.map((v) => v.name)).toEqual(['x', 'choice', 'bias']);
  expect(model.functions.map((f) => f.name)).toEqual(['Everything']);
});

test('it is written by reference, edited or not', () => {
  const source = synthetic();
  const model = readOnnx(source);
  const [whole] = writeOnnx(model) as ByteRange[];
  expect([whole?.at, whole?.size]).toEqual([0, source.size]);
  new Editor(model).setHeader({ producerName: 'edited' });
  source.readBytes = 0;
  const chunks = writeOnnx(model);
  expect(chunks.filter((c) => chunkSize(c) >= HUGE)).toHaveLength(1);
  expect(chunks.reduce((n, c) => n + chunkSize(c), 0)).toBe(source.size);
  new Editor(model).nameGraph(model.graph, 'edited');
  const pieces = writeOnnx(model);
  expect(pieces.filter((c) => chunkSize(c) >= HUGE)).toHaveLength(3);
  expect(pieces.reduce((n, c) => n + chunkSize(c), 0)).toBe(source.size + 'edited'.length - 'main'.length);
  expect(source.readBytes).toBeLessThan(10e6);
});
