import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { checkWeights, readOnnx } from '../../../src/formats/onnx/index.js';

const NUMBERS = [1, 2, 3, 4];
const RAW = new Uint8Array(Float32Array.from(NUMBERS).buffer);

const model = (initializer: onnx.ITensorProto[], sparseInitializer: onnx.ISparseTensorProto[] = []): Uint8Array =>
  onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: { name: 'g', initializer, sparseInitializer },
  }).finish();

const check = (bytes: Uint8Array) => (): void => checkWeights(readOnnx(bytes));
const refused = (message: string): unknown => expect.objectContaining({ code: 'onnx/tensor', message });

describe('data of a tensor in two fields', () => {
  const base = { name: 'w', dims: [4], dataType: 1 };
  test.each<readonly [string, onnx.ITensorProto]>([
    ['raw_data and in float_data', { ...base, rawData: RAW, floatData: [5, 6, 7, 8] }],
    ['raw_data and in int32_data', { ...base, rawData: RAW, int32Data: [5] }],
    ['raw_data and in string_data', { ...base, rawData: RAW, stringData: [RAW] }],
    ['float_data and in int64_data', { ...base, floatData: NUMBERS, int64Data: [1] }],
  ])('%s is refused, and when the weight is read', (what, tensor) => {
    const message = `tensor w: data in ${what}; one of them was expected`;
    expect(check(model([tensor]))).toThrow(refused(message));
    const w = readOnnx(model([tensor])).graph.values.get('w')?.initializer;
    expect(() => w?.bytes()).toThrow(refused(message));
  });

  test.each<readonly [string, onnx.ITensorProto]>([
    ['one field', { ...base, floatData: NUMBERS }],
    ['an empty raw_data beside it', { ...base, floatData: NUMBERS, rawData: new Uint8Array(0) }],
  ])('%s is fine', (_what, tensor) => expect(check(model([tensor]))).not.toThrow());
});

describe('indices of a sparse initializer', () => {
  const sparse = (dims: number[], indices: onnx.ITensorProto, values = [9, 9]): onnx.ISparseTensorProto => ({
    dims,
    values: { name: 'w', dims: [values.length], dataType: 1, floatData: values },
    indices,
  });
  const places = (dims: number[], data: number[]): onnx.ITensorProto => ({ dims, dataType: 7, int64Data: data });

  // onnxruntime 1.30 loads these, and refuses those below.
  test.each<readonly [string, onnx.ISparseTensorProto]>([
    ['the last place', sparse([4], places([2], [0, 3]))],
    ['in any order', sparse([4], places([2], [3, 0]))],
    ['a coordinate for each axis', sparse([2, 3], places([2, 2], [0, 2, 1, 0]))],
    ['counted over all axes', sparse([2, 3], places([2], [0, 5]))],
    ['none', sparse([4], places([0], []), [])],
  ])('%s is fine', (_what, s) => expect(check(model([], [s]))).not.toThrow());

  test.each<readonly [string, onnx.ISparseTensorProto]>([
    ['an index of 4, where there are 4 places', sparse([4], places([2], [0, 4]))],
    ['an index of -1, where there are 4 places', sparse([4], places([2], [-1, 2]))],
    ['an index of 6, where there are 6 places', sparse([2, 3], places([2], [0, 6]))],
    ['an index of 3, where there are 3 places', sparse([2, 3], places([2, 2], [0, 3, 1, 0]))],
    ['an index of 2, where there are 2 places', sparse([2, 3], places([2, 2], [2, 0, 1, 0]))],
    ['2 values, and indices of [3]; [2] or [2,1] was expected', sparse([4], places([3], [0, 1, 2]))],
    ['2 values, and indices of [2,1]; [2] or [2,2] was expected', sparse([2, 3], places([2, 1], [0, 1]))],
    ['indices are float32; int64 was expected', sparse([4], { dims: [2], dataType: 1, floatData: [0, 1] })],
  ])('%s', (message, s) => expect(check(model([], [s]))).toThrow(refused(`sparse tensor w: ${message}`)));

  test('in an attribute', () => {
    const bytes = onnx.ModelProto.encode({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'g',
        node: [
          {
            opType: 'Constant',
            output: ['c'],
            attribute: [
              {
                name: 'sparse_value',
                type: onnx.AttributeProto.AttributeType.SPARSE_TENSOR,
                sparseTensor: sparse([4], places([2], [0, 9])),
              },
            ],
          },
        ],
      },
    }).finish();
    expect(check(bytes)).toThrow(refused('sparse tensor w: an index of 9, where there are 4 places'));
  });
});
