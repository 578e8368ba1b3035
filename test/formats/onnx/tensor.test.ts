import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { tensorFromProto, tensorToProto } from '../../../src/formats/onnx/index.js';
import { type DType, DTYPES } from '../../../src/tensor/dtype.js';
import { asFloat64, float32Tensor, int64Tensor, stringTensor, type Tensor } from '../../../src/tensor/tensor.js';
import { corpus, describeShared } from '../../support/shared.js';

const { DataType } = onnx.TensorProto;

const read = (t: onnx.ITensorProto): Tensor => tensorFromProto(onnx.TensorProto.encode(t).finish());

/** Each storage of each type, and the elements that it says: from onnx.proto's description of TensorProto. */
const STORED: readonly (readonly [string, onnx.ITensorProto, DType, readonly number[]])[] = [
  ['float_data', { dataType: DataType.FLOAT, floatData: [1.5, -2] }, 'float32', [1.5, -2]],
  ['double_data', { dataType: DataType.DOUBLE, doubleData: [0.1, -2] }, 'float64', [0.1, -2]],
  ['int64_data', { dataType: DataType.INT64, int64Data: [-1, 2 ** 40] }, 'int64', [-1, 2 ** 40]],
  ['int32_data', { dataType: DataType.INT32, int32Data: [-1, 2 ** 30] }, 'int32', [-1, 2 ** 30]],
  ['int16 in int32_data', { dataType: DataType.INT16, int32Data: [-1, 300] }, 'int16', [-1, 300]],
  ['uint16 in int32_data', { dataType: DataType.UINT16, int32Data: [65535, 1] }, 'uint16', [65535, 1]],
  ['int8 in int32_data', { dataType: DataType.INT8, int32Data: [-128, 127] }, 'int8', [-128, 127]],
  ['uint8 in int32_data', { dataType: DataType.UINT8, int32Data: [255, 1] }, 'uint8', [255, 1]],
  ['bool in int32_data', { dataType: DataType.BOOL, int32Data: [1, 0] }, 'bool', [1, 0]],
  ['float16 in int32_data', { dataType: DataType.FLOAT16, int32Data: [0x3c00, 0xc000] }, 'float16', [1, -2]],
  ['bfloat16 in int32_data', { dataType: DataType.BFLOAT16, int32Data: [0x3f80, 0xc000] }, 'bfloat16', [1, -2]],
  ['uint32 in uint64_data', { dataType: DataType.UINT32, uint64Data: [1, 4294967295] }, 'uint32', [1, 4294967295]],
  ['uint64_data', { dataType: DataType.UINT64, uint64Data: [1, 2 ** 50] }, 'uint64', [1, 2 ** 50]],
  ['raw_data', { dataType: DataType.INT16, rawData: Uint8Array.of(0xff, 0xff, 0x2c, 1) }, 'int16', [-1, 300]],
];

describe('tensors of a file', () => {
  test.each(STORED)('%s', (_what, fields, dtype, values) => {
    const t = read({ dims: [2], ...fields });
    expect(t.dtype).toBe(dtype);
    expect(t.shape).toEqual([2]);
    expect(Array.from(asFloat64(t))).toEqual(values);
    expect(t.byteLength).toBe(t.bytes().length);
  });

  test('complex numbers are pairs', () => {
    const t = read({ dims: [2], dataType: DataType.COMPLEX64, floatData: [1, 2, 3, 4] });
    expect(new Float32Array(new Uint8Array(t.bytes()).buffer)).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('types under a byte share bytes, also in int32_data', () => {
    // onnx-proto is older than these types: 22 is INT4, 25 UINT2.
    const int4 = read({ dims: [3], dataType: 22, int32Data: [0x21, 0x03] });
    expect([int4.dtype, int4.byteLength, ...int4.bytes()]).toEqual(['int4', 2, 0x21, 0x03]);
    const uint2 = read({ dims: [5], dataType: 25, rawData: Uint8Array.of(0xe4, 0x01) });
    expect([uint2.dtype, uint2.byteLength]).toEqual(['uint2', 2]);
  });

  test('strings', () => {
    const t = read({ dims: [2], dataType: DataType.STRING, stringData: [Uint8Array.of(0x61), Uint8Array.of(0xff)] });
    expect(t.strings?.().map((s) => [...s])).toEqual([[0x61], [0xff]]);
    expect(() => t.bytes()).toThrow(/strings/);
  });

  test.each<[string, onnx.ITensorProto, string]>([
    ['too many numbers', { dims: [1], dataType: 1, floatData: [1, 2] }, 'takes 1 numbers in float_data; there are 2'],
    ['too few', { dims: [3], dataType: 7, int64Data: [1, 2] }, 'takes 3 numbers in int64_data; there are 2'],
    ['in the wrong field', { dims: [1], dataType: 7, int32Data: [1] }, 'takes 1 numbers in int64_data; there are 0'],
    ['too few strings', { dims: [2], dataType: 8, stringData: [Uint8Array.of(1)] }, '2 strings were expected'],
    ['a type that is none', { dims: [1], dataType: 27 }, 'data type 27; 1 to 26 are defined'],
    ['no type', { dims: [1], floatData: [1] }, 'data type 0'],
    ['a negative dimension', { dims: [-1], dataType: 1 }, 'a dimension of -1'],
    ['dimensions beyond all bounds', { dims: [2 ** 40, 2 ** 40], dataType: 1 }, 'the limit is'],
    ['too many dimensions', { dims: Array.from({ length: 65 }, () => 1), dataType: 1 }, '65 dimensions'],
  ])('refused: %s', (_what, fields, message) => {
    expect(() => read(fields)).toThrow(message);
  });

  test('a segment of a larger tensor has no values, but can be read and written', () => {
    const bytes = onnx.TensorProto.encode({
      dims: [4],
      dataType: 1,
      segment: { begin: 0, end: 2 },
      floatData: [1, 2],
    }).finish();
    const t = tensorFromProto(bytes);
    expect(() => t.bytes()).toThrow(/segment/);
    const seen = (b: Uint8Array): unknown => onnx.TensorProto.toObject(onnx.TensorProto.decode(b));
    expect(seen(concat(tensorToProto(t)))).toEqual(seen(bytes));
  });

  test('tensors made by code are what onnx-proto reads', () => {
    const decode = (t: Tensor, name?: string) => onnx.TensorProto.decode(concat(tensorToProto(t, name)));
    const f = decode(float32Tensor([2, 1], [1, -2]), 'weight');
    expect(f).toMatchObject({ name: 'weight', dataType: DataType.FLOAT });
    expect(f.dims?.map(Number)).toEqual([2, 1]);
    expect(new Float32Array(new Uint8Array(f.rawData ?? []).buffer)).toEqual(Float32Array.of(1, -2));
    expect(decode(int64Tensor([], [-1])).rawData).toEqual(new Uint8Array(8).fill(255));
    expect(decode(stringTensor([1], [Uint8Array.of(1)])).stringData).toEqual([Uint8Array.of(1)]);
    expect(Object.hasOwn(decode(float32Tensor([], [1])), 'name')).toBe(false);
  });

  test('every code has a type', () => {
    expect(DTYPES).toHaveLength(27);
  });
});

describeShared('test data of the corpus', () => {
  test('has the bytes that onnx-proto finds', () => {
    const files = corpus()
      .filter(({ name }, i) => name.startsWith('node-1.12/') && i % 3 === 0)
      .flatMap(({ dataSets }) => dataSets.flatMap((d) => readdirSync(d).map((f) => readFileSync(join(d, f)))));
    let compared = 0;
    for (const file of files) {
      const { rawData, dims } = onnx.TensorProto.decode(new Uint8Array(file));
      if (!rawData || rawData.length === 0) continue;
      const t = tensorFromProto(file);
      expect(t.shape).toEqual(dims?.map(Number));
      expect(Buffer.compare(t.bytes(), rawData)).toBe(0);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(100);
  });
});
