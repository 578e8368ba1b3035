import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { type ByteSource, concat, memorySource } from '../../src/base/bytes.js';
import { exportOnnx } from '../../src/export/onnx.js';
import { checkWeights, type ExternalData, readOnnx } from '../../src/formats/onnx/index.js';
import { Editor, everyGraph } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { lazyTensor } from '../../src/tensor/tensor.js';
import { sampleModel } from '../support/sample-model.js';

const files = (contents: Readonly<Record<string, Uint8Array | ByteSource>>): ExternalData => ({
  resolve(location) {
    const found = contents[location];
    if (!found) throw new Error(`no ${location}`);
    return found instanceof Uint8Array ? memorySource(found) : found;
  },
});

/** Every initializer's bytes, by graph and name. */
function weights(model: Model): Map<string, string> {
  const all = new Map<string, string>();
  for (const graph of everyGraph(model))
    for (const { name, initializer } of graph.initializers)
      if (initializer && !initializer.strings)
        all.set(`${graph.name}/${name}`, Buffer.from(initializer.bytes()).toString('base64'));
  return all;
}

/** Where onnx-proto finds the data of the main graph's initializers. */
function places(model: Uint8Array): { name: string; offset: number; length: number }[] {
  const { graph } = onnx.ModelProto.decode(model);
  return (graph?.initializer ?? [])
    .filter((t) => t.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL)
    .map((t) => {
      expect(t.rawData?.length ?? 0).toBe(0);
      const entries = new Map((t.externalData ?? []).map((e) => [e.key, e.value]));
      expect(entries.get('location')).toBe('w.data');
      return { name: t.name ?? '', offset: Number(entries.get('offset')), length: Number(entries.get('length')) };
    });
}

describe('a side file', () => {
  test.each([1, 8, 1024])(
    'holds the initializers of at least %i bytes, aligned to 64, and all weights stay what they are',
    (threshold) => {
      const before = readOnnx(sampleModel());
      const out = exportOnnx(before, { externalData: { file: 'w.data', threshold } });
      const model = concat(out.model);
      const side = concat(out.external ?? []);
      const found = places(model);
      const large = [...before.graph.initializers].filter(
        ({ initializer }) => initializer && !initializer.strings && initializer.byteLength >= threshold,
      );
      expect(found.map((p) => p.name).toSorted()).toEqual(large.map((v) => v.name).toSorted());
      for (const { offset, length } of found) {
        expect(offset % 64).toBe(0);
        expect(offset + length).toBeLessThanOrEqual(side.length);
      }
      const after = readOnnx(model, { external: files({ 'w.data': side }) });
      checkWeights(after);
      expect(weights(after)).toEqual(weights(before));
    },
  );

  test('comes back into the model, and what never left it is written as it was', () => {
    const out = exportOnnx(readOnnx(sampleModel()), { externalData: { file: 'w.data', threshold: 1024 } });
    const split = readOnnx(concat(out.model), { external: files({ 'w.data': concat(out.external ?? []) }) });
    const back = exportOnnx(split, { externalData: 'inline' });
    expect(back.external).toBeUndefined();
    const seen = (bytes: Uint8Array): unknown => onnx.ModelProto.toObject(onnx.ModelProto.decode(bytes));
    expect(seen(concat(back.model))).toEqual(seen(new Uint8Array(sampleModel())));
  });

  test('is not asked for when the model stays as it is', () => {
    const out = exportOnnx(readOnnx(sampleModel()));
    expect(out.external).toBeUndefined();
    expect(concat(out.model)).toEqual(new Uint8Array(sampleModel()));
  });

  test.each(['/etc/w.data', '../w.data', 'a\\..\\..\\w.data', 'C:w.data', 'w\0data'])(
    'may not be called %j',
    (file) => {
      expect(() => exportOnnx(readOnnx(sampleModel()), { externalData: { file } })).toThrow(/external data location/);
    },
  );
});

describe('a model beyond 2 GiB', () => {
  /** Weights of 3 GB that are never made. */
  const large = (): Model => {
    const model = readOnnx(sampleModel());
    const make = (): never => {
      throw new Error('a weight was made');
    };
    for (const i of [0, 1, 2])
      new Editor(model).addInitializer(model.graph, `huge${i}`, lazyTensor('float32', [250_000_000], make));
    return model;
  };

  test('is refused without a side file', () => {
    expect(() => exportOnnx(large())).toThrow(/takes 300000\d{4} bytes; protobuf allows 2147483647/);
  });

  test('takes a side file by itself where one is offered', () => {
    const out = exportOnnx(large(), { ifTooLarge: { file: 'w.data' } });
    const found = places(concat(out.model)).filter((p) => p.name.startsWith('huge'));
    expect(found.map((p) => p.length)).toEqual([1e9, 1e9, 1e9]);
    expect(found.at(-1)?.offset).toBeGreaterThan(2 ** 31 - 1e9);
  });
});

describe('external data', () => {
  const model = (name: string, entries: Readonly<Record<string, string>>): onnx.ITensorProto => ({
    name,
    dims: [4],
    dataType: onnx.TensorProto.DataType.FLOAT,
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });

  const read = (...initializer: onnx.ITensorProto[]) =>
    readOnnx(
      onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 17 }], graph: { initializer } }).finish(),
      {
        external: files({ w: new Uint8Array(64) }),
      },
    );

  test.each<[Record<string, string>, RegExp]>([
    [{}, /no location/],
    [{ location: '' }, /no location/],
    [{ location: '/w' }, /absolute/],
    [{ location: '\\\\host\\w' }, /absolute/],
    [{ location: 'c:\\w' }, /absolute/],
    [{ location: 'a/../../w' }, /leads out/],
    [{ location: 'a\\..\\w' }, /leads out/],
    [{ location: 'w\0' }, /NUL/],
    [{ location: 'w', offset: '-1' }, /offset .* '-1'/],
    [{ location: 'w', offset: '1e3' }, /offset .* '1e3'/],
    [{ location: 'w', offset: '99999999999999999999' }, /offset/],
    [{ location: 'w', length: '15' }, /takes 16 bytes; its external data is said to have 15/],
  ])('%j is refused when read', (entries, message) => {
    expect(() => read(model('t', entries))).toThrow(message);
  });

  test('that is not there, or too short, is refused when it is asked for', () => {
    expect(() => checkWeights(read(model('t', { location: 'absent' })))).toThrow('no absent');
    expect(() => checkWeights(read(model('t', { location: 'w', offset: '49' })))).toThrow(
      "16 bytes from 49 on were expected in 'w', which has 64",
    );
    expect(() => checkWeights(read(model('t', { location: 'w', offset: '48' })))).not.toThrow();
  });

  test('that overlaps in part is refused; the same data twice is not', () => {
    const at = (name: string, offset: string): onnx.ITensorProto =>
      model(name, { location: 'w', offset, length: '16' });
    expect(() => checkWeights(read(at('a', '0'), at('b', '0'), at('c', '16')))).not.toThrow();
    expect(() => checkWeights(read(at('a', '0'), at('b', '15')))).toThrow(
      "'b' begins at byte 15, before 'a' ends at 16",
    );
  });
});
